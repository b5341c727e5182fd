"""JSON in and out: what could not be stored is refused at the door; answers look the same everywhere."""

import math
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from pydantic import BaseModel, PlainSerializer
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

_SUSPECT = re.compile(rb"\\u0000|[eE]\+?\d{3}|\d{300}")


def rfc3339(moment: datetime) -> str:
    """UTC in milliseconds: `2026-01-18T09:30:00.123Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


Timestamp = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
"""A moment in an answer's model."""


class Json(Response):
    """An answer from dicts, records, models, UUIDs, datetimes and enums as they are.

    `version` is the resource's stream version; it becomes the ETag that `If-Match` takes.
    """

    media_type = "application/json"

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: dict[str, str] | None = None,
        *,
        version: int | None = None,
        **options: Any,
    ) -> None:
        self.version = version
        super().__init__(content, status_code, headers, **options)

    def render(self, content: Any) -> bytes:
        return dumped(content)


def dumped(content: Any) -> bytes:
    """As every answer has it."""
    return orjson.dumps(content, _encode, orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS)


def _encode(value: Any) -> Any:
    if isinstance(value, UUID | Decimal):  # asyncpg's UUID is a subclass, which orjson does not know
        return str(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, asyncpg.Record):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} has no JSON form")


class BoundedRequest(Request):
    """A request whose body has a greatest size, and whose JSON holds only what can be stored."""

    def __init__(self, scope: Scope, receive: Receive, max_body: int) -> None:
        super().__init__(scope, receive)
        self._max_body = max_body

    async def stream(self) -> AsyncIterator[bytes]:  # type: ignore[override]
        """Raises HTTPException: FastAPI takes any other error for a broken body."""
        size = 0
        async for chunk in super().stream():
            size += len(chunk)
            if size > self._max_body:
                raise HTTPException(413, f"the body is larger than {self._max_body} bytes")
            yield chunk

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json


def parse_json(body: bytes) -> Any:
    """Raises JSONDecodeError for all but strict JSON, for NUL characters and numbers beyond a float."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise orjson.JSONDecodeError(str(error), "", 0) from None
    if _SUSPECT.search(body) and not _storable(value):
        raise orjson.JSONDecodeError("NUL characters and infinite numbers cannot be stored", "", 0)
    return value


def _storable(value: Any) -> bool:
    match value:
        case str():
            return "\x00" not in value
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_storable, value))
        case dict():
            return all(map(_storable, value)) and all(map(_storable, value.values()))
    return True
