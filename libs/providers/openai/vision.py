"""Questions about pictures over either of the two protocols. Needs the SDK."""

import base64
import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

from openai import APIStatusError, AsyncOpenAI

from libs.providers.answers import Answer, schema_of
from libs.providers.base import ImageBlob
from libs.providers.errors import ErrorCode, ProviderError, in_own_words, named
from libs.providers.openai.card import NAME
from libs.providers.openai.errors import REFUSALS, refused, unwanted
from libs.providers.openai.wire import post
from libs.providers.record import Usage, counted, counts

MOST_TOKENS = 8_000
"""Of an answer, thoughts included."""
FAILURES = {"server_error": ErrorCode.UNAVAILABLE, "rate_limit_exceeded": ErrorCode.RATE_LIMITED}
"""Of a response that fails later."""


@dataclass(frozen=True, slots=True)
class Question:
    """`form` is the schema of the answer, `role` what the model is to be."""

    role: str
    text: str
    images: Sequence[ImageBlob]
    form: type[Answer]
    model: str


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` is JSON in the form that was asked for, by the server's word."""

    text: str
    model: str
    usage: Usage
    request_id: str | None
    finish_reason: str | None


async def ask(
    client: AsyncOpenAI, style: Literal["responses", "chat"], question: Question, spared: dict[str, set[str]]
) -> Reply:
    """A model is `spared` the parameters that it has refused before; one that it refuses now is left out at once.

    Raises ProviderError (refused, truncated…) and whatever the SDK raises.
    """
    known = spared.setdefault(question.model, set())
    while True:
        without = frozenset(known)
        try:
            return await (_responses if style == "responses" else _chat)(client, question, without)
        except APIStatusError as error:
            parameter = unwanted(error)
            if parameter is None or parameter in without:
                raise
            known.add(parameter)


def _role(question: Question, *, with_schema: bool) -> str:
    """With the schema in words, for who takes none."""
    schema = f"\nAnswer with JSON alone, by this schema: {json.dumps(schema_of(question.form))}"
    return question.role + schema * with_schema


def _plain(said: str) -> str:
    """Without the fence that some put around JSON."""
    return said.strip().removeprefix("```json").removeprefix("```").removesuffix("```")


async def _responses(client: AsyncOpenAI, question: Question, without: AbstractSet[str]) -> Reply:
    text = {"type": "input_text", "text": question.text}
    images = [
        {"type": "input_image", "image_url": _data_url(image), "detail": "high"} for image in question.images
    ]
    asked = {"role": "user", "content": [text, *images]}
    form = {"type": "json_schema", **_schema(question.form)}
    asked_for = {
        "model": question.model,
        "instructions": _role(question, with_schema="text" in without),
        "input": [asked],
        "text": {"format": form},
        "reasoning": {"effort": "low"},
        "max_output_tokens": MOST_TOKENS,
        "store": False,
    }
    answer = await post(client, "/responses", _less(asked_for, without))
    body = answer.body
    _check_status(body, answer.request_id)
    parts = [part for item in body["output"] if item["type"] == "message" for part in item["content"]]
    for part in parts:
        if part["type"] == "refusal":
            usage = _usage_of_response(body)
            raise refused(part["refusal"], request_id=answer.request_id, reason="refusal", usage=usage)
    said = "".join(part["text"] for part in parts if part["type"] == "output_text")
    model, finish = named(body["model"]) or question.model, named(body["status"])
    return Reply(_plain(said), model, _usage_of_response(body), answer.request_id, finish)


def _check_status(body: dict[str, Any], request_id: str | None) -> None:
    reason: str | None
    usage = _usage_of_response(body) if body.get("usage") else None
    match body["status"]:
        case "incomplete":
            reason = (body.get("incomplete_details") or {}).get("reason")
            if reason == "content_filter":
                raise refused("", request_id=request_id, reason=reason, usage=usage)
            raise _truncated(request_id, _usage_of_response(body))
        case "failed" | "cancelled":
            failure = body.get("error") or {}
            reason, why = failure.get("code"), failure.get("message") or "the request failed"
            if reason in REFUSALS:
                raise refused(why, request_id=request_id, reason=reason, usage=usage)
            code = FAILURES.get(str(reason), ErrorCode.INVALID)
            text = in_own_words(code, "OpenAI", why)
            raise ProviderError(code, text, NAME, request_id=request_id, reason=reason, usage=usage)


async def _chat(client: AsyncOpenAI, question: Question, without: AbstractSet[str]) -> Reply:
    text = {"type": "text", "text": question.text}
    images = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in question.images]
    asked = {"role": "user", "content": [text, *images]}
    form = {"type": "json_schema", "json_schema": _schema(question.form)}
    role = _role(question, with_schema="response_format" in without)
    # servers other than OpenAI's do not know max_completion_tokens, and its newer models not max_tokens
    most = "max_completion_tokens" if "max_tokens" in without else "max_tokens"
    asked_for = {
        "model": question.model,
        "messages": [{"role": "system", "content": role}, asked],
        "response_format": form,
        most: MOST_TOKENS,
    }
    answer = await post(client, "/chat/completions", _less(asked_for, without))
    body = answer.body
    choice = body["choices"][0]
    if why := choice["message"].get("refusal"):
        usage = _usage_of_chat(body)
        raise refused(why, request_id=answer.request_id, reason="refusal", usage=usage)
    match finish := choice.get("finish_reason"):
        case "content_filter":
            raise refused("", request_id=answer.request_id, reason=finish, usage=_usage_of_chat(body))
        case "length":
            raise _truncated(answer.request_id, _usage_of_chat(body))
    model, said = named(body["model"]) or question.model, choice["message"]["content"]
    return Reply(_plain(said), model, _usage_of_chat(body), answer.request_id, named(finish))


def _less(asked_for: dict[str, Any], without: AbstractSet[str]) -> dict[str, Any]:
    return {name: value for name, value in asked_for.items() if name not in without}


def _schema(form: type[Answer]) -> dict[str, Any]:
    return {"name": form.__name__, "strict": True, "schema": schema_of(form)}


def _truncated(request_id: str | None, usage: Usage) -> ProviderError:
    text = f"the answer was longer than {MOST_TOKENS} tokens"
    return ProviderError(ErrorCode.TRUNCATED, text, NAME, request_id=request_id, usage=usage)


def _data_url(image: ImageBlob) -> str:
    return f"data:{image.mime};base64,{base64.b64encode(image.data).decode()}"


def _usage_of_response(body: dict[str, Any]) -> Usage:
    usage = body.get("usage") or {}
    cached = (usage.get("input_tokens_details") or {}).get("cached_tokens")
    return Usage(
        counted(usage.get("input_tokens")),
        counted(usage.get("output_tokens")),
        counted(usage.get("total_tokens")),
        cached_input_tokens=counted(cached) or 0,
        details=counts(usage),
    )


def _usage_of_chat(body: dict[str, Any]) -> Usage:
    usage = body.get("usage") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(
        counted(usage.get("prompt_tokens")),
        counted(usage.get("completion_tokens")),
        counted(usage.get("total_tokens")),
        cached_input_tokens=counted(cached) or 0,
        details=counts(usage),
    )
