"""OpenAI's wire protocol as far as the adapter speaks it: responses, chat completions, images.

Nothing here is copied from a vendor: it answers in the shapes that the SDK parses.
"""

import asyncio
import base64
import functools
import io
import json
from collections.abc import Callable
from typing import Any

from PIL import Image
from starlette.responses import JSONResponse, Response

from tests.peers.server import Answer, Call, CutOff, Peer

USAGE = {
    "input_tokens": 900,
    "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 0},
    "output_tokens": 120,
    "output_tokens_details": {"reasoning_tokens": 32},
    "total_tokens": 1020,
}
IMAGE_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"image_tokens": 900, "text_tokens": 100},
    "output_tokens": 1056,
    "total_tokens": 2056,
    "output_tokens_details": {"image_tokens": 1056, "text_tokens": 0},
}


def openai_server() -> Peer:
    """Its `url` is the origin; the adapter's base URL is that and `/v1`."""
    return Peer(
        {
            "/v1/responses": response,
            "/v1/chat/completions": completion,
            "/v1/images/generations": picture,
            "/v1/images/edits": picture,
        }
    )


def response(call: Call) -> Response:
    return told(json.dumps(example(call.body["text"]["format"]["schema"])))(call)


def told(text: str) -> Callable[[Call], Response]:
    """This text as the answer, whichever protocol is spoken."""

    def answer(call: Call) -> Response:
        if call.path.endswith("completions"):
            return _completion(call, {"content": text})
        return _response(call, [{"type": "output_text", "text": text, "annotations": []}])

    return answer


def refusal(call: Call) -> Response:
    why = "I can't help with that."
    if call.path.endswith("completions"):
        return _completion(call, {"content": None, "refusal": why})
    return _response(call, [{"type": "refusal", "refusal": why}])


def truncated(call: Call) -> Response:
    if call.path.endswith("completions"):
        return _completion(call, {"content": '{"title": "cut'}, "length")
    cut = [{"type": "output_text", "text": '{"title": "cut', "annotations": []}]
    return _response(call, cut, status="incomplete", incomplete_details={"reason": "max_output_tokens"})


def filtered(call: Call) -> Response:
    if call.path.endswith("completions"):
        return _completion(call, {"content": ""}, "content_filter")
    return _response(call, [], status="incomplete", incomplete_details={"reason": "content_filter"})


def failed(code: str) -> Answer:
    """A response whose making failed after it was accepted."""
    return lambda call: _response(call, [], status="failed", error={"code": code, "message": "it failed"})


def completion(call: Call) -> Response:
    schema = call.body["response_format"]["json_schema"]["schema"]
    return told(json.dumps(example(schema)))(call)


def picture(call: Call) -> Response:
    return pictures(1)(call)


def pictures(count: int, *, opaque: bool = False) -> Callable[[Call], Response]:
    def answer(call: Call) -> Response:
        width, height = map(int, call.body["size"].split("x"))
        transparent = call.body["background"] == "transparent" and not opaque
        encoded = base64.b64encode(png(width, height, transparent)).decode()
        return _json({"created": 1, "data": [{"b64_json": encoded}] * count, "usage": IMAGE_USAGE})

    return answer


def not_a_picture(call: Call) -> Response:
    return _json({"created": 1, "data": [{"b64_json": base64.b64encode(b"GIF89a?").decode()}]})


def problem(status: int, code: str | None = None, **headers: str) -> Answer:
    """`retry_after="7"` becomes that header."""

    def answer(call: Call) -> Response:
        error = {"message": f"the server says {status}", "type": "error", "param": None, "code": code}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return JSONResponse({"error": error}, status, {"x-request-id": "req_1", **named})

    return answer


def broken_json(call: Call) -> Response:
    return Response('{"status": "compl', media_type="application/json")


def cut_off(call: Call) -> Response:
    return CutOff()


async def never(call: Call) -> Response:
    """Longer than anybody waits."""
    await asyncio.sleep(3600)
    raise AssertionError


def _response(call: Call, content: list[dict[str, Any]], **change: Any) -> Response:
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": content}
    thought = {"type": "reasoning", "id": "r", "summary": []}
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": call.body["model"],
        "output": [thought, message],
        "usage": USAGE,
    }
    return _json(body | change)


def _completion(call: Call, message: dict[str, Any], finish: str = "stop") -> Response:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 800, "completion_tokens": 90, "total_tokens": 890}
    return _json(
        {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": call.body["model"],
            "choices": [choice],
        }
        | {"usage": usage}
    )


def _json(body: dict[str, Any]) -> Response:
    return JSONResponse(body, headers={"x-request-id": "req_1"})


@functools.cache
def png(width: int, height: int, transparent: bool) -> bytes:
    encoded = io.BytesIO()
    mode, colour = ("RGBA", (200, 60, 40, 0)) if transparent else ("RGB", (200, 60, 40))
    Image.new(mode, (width, height), colour).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def example(schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """The plainest instance of a JSON schema."""
    root = root or schema
    if "$ref" in schema:
        return example(root["$defs"][schema["$ref"].split("/")[-1]], root)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], root)
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: example(one, root) for name, one in schema["properties"].items()}
        case "array":
            return [example(schema["items"], root)]
        case "string":
            return "#336699" if "pattern" in schema else "example"
        case other:
            return {"number": 0.5, "integer": 0, "boolean": True, "null": None}[other]
