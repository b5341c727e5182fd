"""Types for what people send: text and JSON that PostgreSQL can store and every client can read back."""

import math
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, StringConstraints

JSON_DEPTH = 16
JSON_BYTES = 64 * 1024
_INT64 = 2**63


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_storable)]
"""Any text, without the blanks around it; pydantic itself refuses lone surrogates."""


def _check(value: Any, depth: int) -> None:
    if depth > JSON_DEPTH:
        raise ValueError(f"must not be nested deeper than {JSON_DEPTH} levels")
    match value:
        case str():
            _storable(value).encode()
        case bool() | None:
            pass
        case int() if not -_INT64 <= value < _INT64:
            raise ValueError("must not contain integers beyond 64 bits: send them as strings")
        case float() if not math.isfinite(value):
            raise ValueError("must not contain numbers that are not finite")
        case list():
            for item in value:
                _check(item, depth + 1)
        case dict():
            for name, item in value.items():
                _check(name, depth + 1)
                _check(item, depth + 1)


def _storable_object(value: dict[str, Any]) -> dict[str, Any]:
    _check(value, 0)
    if len(orjson.dumps(value)) > JSON_BYTES:
        raise ValueError(f"must not be longer than {JSON_BYTES // 1024} KB")
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(_storable_object)]
"""An object of the caller's own: bounded in depth and size, every number one that JSON readers agree on."""
