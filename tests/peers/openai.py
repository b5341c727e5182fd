"""A stub of OpenAI's API: responses, chat completions, image generations and edits, their answers and their refusals.

Key `bad` is refused. Words: any HTTP status, 429 (Retry-After: 7), soon (in milliseconds), busy (429 without), later
(429 until a date), quota,
moderation (400, blocked), refuse (an answer that declines), filter (stopped by the filter), truncate, garbage (outside
the schema; bytes that are no picture), none (no picture), several (three pictures), opaque (no transparency), failed,
limited and unsafe (a response that fails later); and those of every stub.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.peers.stub import BAD_KEY, Call, Stub, example, picture

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
DECLINED = "I can't help with that."
FAILED_LATER = {
    "failed": "server_error",
    "limited": "rate_limit_exceeded",
    "unsafe": "image_content_policy_violation",
    "unreadable": "image_parse_error",
}
_PROBLEMS: dict[str, tuple[int, str | None, dict[str, str]]] = {
    BAD_KEY: (401, "invalid_api_key", {}),
    "404": (404, "model_not_found", {}),
    "429": (429, "rate_limit_exceeded", {"retry-after": "7"}),
    "soon": (429, "rate_limit_exceeded", {"retry-after": "2", "retry-after-ms": "1250"}),
    "busy": (429, "rate_limit_exceeded", {}),
    "later": (429, "rate_limit_exceeded", {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "quota": (429, "insufficient_quota", {}),
    "billing": (400, "billing_hard_limit_reached", {}),
    "moderation": (400, "moderation_blocked", {}),
}


@dataclass
class OpenAIStub(Stub):
    """Its base URL is the origin and `/v1`."""

    said: str | None = None
    """What a question is answered with, instead of the least that its schema allows."""
    untaken: frozenset[str] = frozenset()
    """Parameters, by their paths, that it takes from nobody."""

    async def read(self, request: Request) -> Call:
        path, key = request.url.path, request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.headers["content-type"].startswith("application/json"):
            body = await request.json()
            return Call(path, key, _text(body), body)
        async with request.form() as form:
            fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
            files = [value for _, value in form.multi_items() if not isinstance(value, str)]
            images = tuple([await file.read() for file in files])
        return Call(path, key, fields["prompt"], fields, images)

    def answer(self, call: Call, word: str | None) -> Response:
        if problem := _problem(BAD_KEY if call.key == BAD_KEY else word or ""):
            return problem
        if untaken := sorted(path for path in self.untaken if path.partition(".")[0] in call.body):
            return _json({"error": _unsupported(untaken[0])}, 400)
        if call.path.startswith("/v1/images"):
            return _json(_pictures(call.body, word))
        said = (
            self.said or json.dumps(example(_schema(call.body)))
            if word != "garbage"
            else '{"title": "half of it"}'
        )
        return _json((_response if call.path == "/v1/responses" else _completion)(call.body, said, word))


def _text(body: dict[str, Any]) -> str:
    if "prompt" in body:
        return str(body["prompt"])
    [*_, asked] = body.get("input") or body["messages"]
    return "\n".join(part.get("text", "") for part in asked["content"])


def _schema(body: dict[str, Any]) -> dict[str, Any]:
    if "text" in body:
        assert body["text"]["format"]["strict"]
        return dict(body["text"]["format"]["schema"])
    return dict(body["response_format"]["json_schema"]["schema"])


def _unsupported(path: str) -> dict[str, Any]:
    text = f"Unsupported parameter: '{path}' is not supported with this model."
    return {
        "message": text,
        "type": "invalid_request_error",
        "param": path,
        "code": "unsupported_parameter",
    }


def _problem(word: str) -> Response | None:
    if word in _PROBLEMS:
        status, code, headers = _PROBLEMS[word]
    elif word.isdigit():
        status, code, headers = int(word), None, {}
    else:
        return None
    error = {"message": f"the server says {status}", "type": "error", "param": None, "code": code}
    return _json({"error": error}, status, headers)


def _json(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(body, status, {"x-request-id": "req_1"} | (headers or {}))


def _response(asked: dict[str, Any], said: str, word: str | None) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": said, "annotations": []}
    if word == "refuse":
        part = {"type": "refusal", "refusal": DECLINED}
    if word == "truncate":
        part["text"] = '{"title": "cut of'
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
    thought = {"type": "reasoning", "id": "r", "summary": []}
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": asked["model"],
        "output": [thought, message],
        "usage": USAGE,
    }
    if word in ("truncate", "filter"):
        reason = {"truncate": "max_output_tokens", "filter": "content_filter"}[word]
        body |= {"status": "incomplete", "incomplete_details": {"reason": reason}}
    if word in FAILED_LATER:
        failure = {"code": FAILED_LATER[word], "message": "it failed"}
        body |= {"status": "failed", "output": [], "error": failure}
    return body


def _completion(asked: dict[str, Any], said: str, word: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said, "refusal": None}
    if word == "refuse":
        message |= {"content": None, "refusal": DECLINED}
    if word == "truncate":
        message["content"] = '{"title": "cut of'
    finish = {"truncate": "length", "filter": "content_filter"}.get(word or "", "stop")
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 800, "completion_tokens": 90, "total_tokens": 890},
    }


def _pictures(asked: dict[str, Any], word: str | None) -> dict[str, Any]:
    width, height = map(int, asked["size"].split("x"))
    data = picture(width, height, alpha=asked["background"] == "transparent" and word != "opaque")
    if word == "garbage":
        data = b"no picture"
    count = {"none": 0, "several": 3}.get(word or "", 1)
    return {"created": 1, "data": [{"b64_json": b64encode(data).decode()}] * count, "usage": IMAGE_USAGE}
