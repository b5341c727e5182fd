"""A stub of the Gemini developer API: `POST /{version}/models/{model}:generateContent`, its answers and its refusals.

Key `bad` is refused. Words: 400, 401, 403, 404, 429 (with RetryInfo), busy (429 without), later and never (a
header with a date, or with nonsense), quota (per day), billing (400), 500, blocked (the prompt), refuse (the picture),
truncate, text (no picture), none (no candidate), think (a draft and a thought first), several (a small picture first),
garbage (bytes that are no picture; JSON outside the schema); and those of every stub.
"""

import json
from base64 import b64encode, urlsafe_b64decode
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.peers.stub import BAD_KEY, Call, Stub, example, picture

RPC = "type.googleapis.com/google.rpc."
SIDES_1K = {
    "1:1": (1024, 1024),
    "3:2": (1264, 848),
    "4:5": (928, 1152),
    "16:9": (1376, 768),
    "3:4": (896, 1200),
}
SCALE = {"1K": 1, "2K": 2, "4K": 4}
DRAFT = 64
"""Side in pixels of the pictures that a model shows while it thinks."""

_RETRY = {"@type": f"{RPC}RetryInfo", "retryDelay": "7.5s"}
_DAILY = {
    "@type": f"{RPC}QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
_KEY = {"@type": f"{RPC}ErrorInfo", "reason": "API_KEY_INVALID"}
_HEADERS = {"later": {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "never": {"retry-after": "nan"}}
_PROBLEMS: dict[str, tuple[int, str, str, list[dict[str, Any]]]] = {
    "400": (400, "INVALID_ARGUMENT", "Unsupported aspect ratio.", []),
    "401": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", []),
    "billing": (400, "FAILED_PRECONDITION", "Enable billing for the caller's project.", []),
    "403": (403, "PERMISSION_DENIED", "The caller does not have permission.", []),
    "404": (404, "NOT_FOUND", "models/x is not found for API version v1.", []),
    "429": (429, "RESOURCE_EXHAUSTED", "Slow down.", [_RETRY]),
    "busy": (429, "RESOURCE_EXHAUSTED", "Slow down.", []),
    "later": (429, "RESOURCE_EXHAUSTED", "Slow down.", []),
    "never": (429, "RESOURCE_EXHAUSTED", "Slow down.", []),
    "quota": (429, "RESOURCE_EXHAUSTED", "Quota exceeded.", [_DAILY]),
    "500": (500, "INTERNAL", "An internal error has occurred.", []),
    BAD_KEY: (400, "INVALID_ARGUMENT", "API key not valid.", [_KEY]),
}


class GeminiStub(Stub):
    async def read(self, request: Request) -> Call:
        body = await request.json()
        parts = [part for content in body["contents"] for part in content["parts"]]
        instruction = body.get("systemInstruction", {}).get("parts", [])
        return Call(
            path=request.url.path,
            key=request.headers.get("x-goog-api-key", ""),
            text="\n".join(part["text"] for part in [*instruction, *parts] if "text" in part),
            body=body,
            images=tuple(
                urlsafe_b64decode(part["inlineData"]["data"]) for part in parts if "inlineData" in part
            ),
        )

    def answer(self, call: Call, word: str | None) -> Response:
        if problem := _PROBLEMS.get(BAD_KEY if call.key == BAD_KEY else word or ""):
            status, name, message, details = problem
            error = {"code": status, "message": message, "status": name, "details": details}
            return JSONResponse({"error": error}, status, _HEADERS.get(word or ""))
        config = call.body.get("generationConfig", {})
        pictorial = "IMAGE" in config.get("responseModalities", [])
        return JSONResponse(_head(call.path, pictorial) | _body(config, word, pictorial))


def _head(path: str, pictorial: bool) -> dict[str, Any]:
    usage = {
        "promptTokenCount": 270,
        "candidatesTokenCount": 1120,
        "thoughtsTokenCount": 110,
        "totalTokenCount": 1500,
    }
    if pictorial:
        usage |= {"candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}]}  # type: ignore[dict-item]
    model = path.rsplit("/", 1)[-1].removesuffix(":generateContent")
    return {"usageMetadata": usage, "modelVersion": model, "responseId": "response-1"}


def _body(config: dict[str, Any], word: str | None, pictorial: bool) -> dict[str, Any]:
    match word:
        case "blocked":
            return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        case "refuse":
            message = "Unable to show the generated image."
            return {"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": message}]}
        case "none":
            return {"candidates": []}
        case "truncate":
            return _candidate([{"text": '{"title": "cut of'}], "MAX_TOKENS")
        case "text":
            return _candidate([{"text": "Which colour would you like?"}])
        case "garbage" if not pictorial:
            return _candidate([{"text": '{"colours": {"items": "blue"}}'}])
        case "garbage":
            return _candidate([_inline(b64encode(b"no picture").decode())])
    if not pictorial:
        return _candidate([{"text": json.dumps(example(config["responseJsonSchema"]))}])
    draft = _drawn(DRAFT, DRAFT, 0)
    thoughts = [{"thought": True, **draft}, {"thought": True, "text": "A mug, then."}]
    before = {"think": thoughts, "several": [draft]}.get(word or "", [])
    width, height = SIDES_1K[config["imageConfig"].get("aspectRatio", "1:1")]
    scale = SCALE[config["imageConfig"].get("imageSize", "1K")]
    drawn = _drawn(width * scale, height * scale, config.get("seed", 0) % 256)
    return _candidate([*before, {**drawn, "thoughtSignature": "c2ln"}])


def _candidate(parts: list[dict[str, Any]], finish: str = "STOP") -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}]
    }


@lru_cache(maxsize=64)
def _drawn(width: int, height: int, shade: int) -> dict[str, Any]:
    return _inline(b64encode(picture(width, height, shade)).decode())


def _inline(data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data}}
