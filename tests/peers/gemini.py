"""The wire protocol of the Gemini developer API as far as the adapter speaks it: `generateContent`.

Nothing here is copied from a vendor: it answers in the shapes that the SDK parses.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from tests.peers.server import Answer, Call, Peer, example, png

PATH = "/{version}/models/{model}:generateContent"
RPC = "type.googleapis.com/google.rpc."
USAGE = {
    "promptTokenCount": 1000,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 100},
        {"modality": "IMAGE", "tokenCount": 900},
    ],
    "candidatesTokenCount": 1120,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
    "thoughtsTokenCount": 80,
    "totalTokenCount": 2200,
}
SIDES_1K = {"1:1": (1024, 1024), "4:5": (928, 1152), "16:9": (1376, 768)}
SCALE = {"1K": 1, "2K": 2, "4K": 4}
DRAFT = 64
"""Side in pixels of what a model draws while it thinks."""


def gemini_server(success: Answer | None = None) -> Peer:
    """Its `url` is the adapter's base URL."""
    return Peer({PATH: success or answered})


def parts(call: Call) -> list[Mapping[str, Any]]:
    """What the model was shown and told, in order."""
    return list(call.body["contents"][0]["parts"])


def text(call: Call) -> str:
    """All that the model was told, its role too."""
    role = call.body.get("systemInstruction", {}).get("parts", [])
    return "\n".join(part["text"] for part in [*role, *parts(call)] if "text" in part)


def images(call: Call) -> list[bytes]:
    """The pictures that were sent along."""
    return [
        base64.urlsafe_b64decode(part["inlineData"]["data"]) for part in parts(call) if "inlineData" in part
    ]


def answered(call: Call) -> Response:
    config = call.body["generationConfig"]
    return (
        picture(call)
        if "imageConfig" in config
        else told(json.dumps(example(config["responseJsonSchema"])))(call)
    )


def told(words: str, finish: str = "STOP") -> Callable[[Call], Response]:
    return lambda call: _candidate(call, [{"text": words}], finish)


def picture(call: Call) -> Response:
    return _candidate(call, [{**_drawn(call), "thoughtSignature": "c2ln"}])


def thinking(call: Call) -> Response:
    """A draft and a thought come before the picture."""
    draft = {"thought": True, **_inline(png(DRAFT, DRAFT, False))}
    return _candidate(call, [draft, {"thought": True, "text": "A mug, then."}, _drawn(call)])


def not_a_picture(call: Call) -> Response:
    return _candidate(call, [_inline(b"GIF89a?")])


def nothing(call: Call) -> Response:
    return _reply(call, candidates=[])


def truncated(call: Call) -> Response:
    return told('{"title": "cut', "MAX_TOKENS")(call)


def refused(reason: str) -> Answer:
    """What came of the prompt is not shown."""
    return lambda call: _reply(call, candidates=[{"finishReason": reason}])


def blocked(reason: str) -> Answer:
    """The prompt is not even tried."""
    return lambda call: _reply(call, promptFeedback={"blockReason": reason})


def problem(status: int, name: str, *details: Mapping[str, Any]) -> Answer:
    error = {"code": status, "message": f"the server says {status}", "status": name, "details": details}
    return lambda call: JSONResponse({"error": error}, status)


def retry_info(delay: str) -> dict[str, Any]:
    return {"@type": f"{RPC}RetryInfo", "retryDelay": delay}


def error_info(reason: str) -> dict[str, Any]:
    return {"@type": f"{RPC}ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def quota_failure(quota: str) -> dict[str, Any]:
    return {"@type": f"{RPC}QuotaFailure", "violations": [{"quotaId": quota}]}


def gateway_error(call: Call) -> Response:
    return Response("<html>Bad gateway</html>", 502, media_type="text/html")


def _candidate(call: Call, told: list[dict[str, Any]], finish: str = "STOP") -> Response:
    content = {"role": "model", "parts": told}
    return _reply(call, candidates=[{"content": content, "finishReason": finish, "index": 0}])


def _reply(call: Call, **body: Any) -> Response:
    model = call.path.rsplit("/", 1)[-1].removesuffix(":generateContent")
    head = {"usageMetadata": USAGE, "modelVersion": model, "responseId": "response-1"}
    return JSONResponse(head | body)


def _drawn(call: Call) -> dict[str, Any]:
    config = call.body["generationConfig"]["imageConfig"]
    scale = SCALE[config.get("imageSize", "1K")]
    width, height = SIDES_1K[config.get("aspectRatio", "1:1")]
    return _inline(png(width * scale, height * scale, False))


def _inline(data: bytes) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}}
