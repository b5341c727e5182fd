"""One request and its answer over the SDK's client, which brings the key, the connection and the errors.

Bodies are ours both ways. The methods of the SDK look at every field of a request by its annotation, which takes longer
than to send it; its parsers take a truncated answer for a malformed one, hide refusals, and make each schema anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
from openai import AsyncOpenAI

from libs.providers.errors import named

File = tuple[str, bytes, str]
"""Name, content, media type."""
_FORM: Any = {"headers": {"Content-Type": "multipart/form-data"}}


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON in the form that was asked for, by the server's word."""

    body: dict[str, Any]
    request_id: str | None


async def post(
    client: AsyncOpenAI, path: str, body: dict[str, Any], files: Sequence[tuple[str, File]] = ()
) -> Answer:
    """As JSON or, with `files` by the names of their fields, as a form. Raises whatever the SDK raises."""
    if files:
        response = await client.post(
            path, cast_to=httpx2.Response, body=body, files=list(files), options=_FORM
        )
    else:
        response = await client.post(path, cast_to=httpx2.Response, body=body)
    return Answer(orjson.loads(response.content), named(response.headers.get("x-request-id")))
