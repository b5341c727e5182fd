"""Validators: a versioned resource's ETag is its stream version and a digest, any other answer's is weak."""

import re
from hashlib import blake2b
from typing import Annotated

from fastapi import Depends, Header
from starlette.responses import Response

from libs.common.errors import BadRequest
from libs.common.http.bodies import Json

_OF_A_304 = (b"etag", b"cache-control", b"link", b"vary")
_TAG = re.compile(r'(?:W/)?"(\d{1,9})(?:-[\w-]+)?"')


async def _if_match(if_match: Annotated[str | None, Header(alias="If-Match")] = None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    tag = _TAG.fullmatch(if_match.strip())
    if tag is None:
        raise BadRequest('If-Match takes one ETag as it was received, such as "3"', code="invalid_if_match")
    return int(tag[1])


IfMatch = Annotated[int | None, Depends(_if_match)]
"""The stream version the caller has seen, to pass on as `expected`; None if it does not mind."""


def conditional(response: Response, if_none_match: bytes | None) -> Response:
    """Tags a successful answer to a GET, or shrinks it to a 304 for a client that has it already.

    The version alone would not do: signed URLs and derived fields change without it.
    """
    names = {name for name, _ in response.raw_headers}
    if response.status_code != 200 or b"etag" in names or not hasattr(response, "body"):
        return response
    tag = etag(response)
    response.raw_headers.append((b"etag", tag))
    if b"cache-control" not in names:
        response.raw_headers.append((b"cache-control", b"private, no-cache"))
    if if_none_match and tag in if_none_match:
        response.raw_headers = [header for header in response.raw_headers if header[0] in _OF_A_304]
        response.status_code, response.body = 304, b""
    return response


def etag(response: Response) -> bytes:
    digest = blake2b(response.body, digest_size=6).hexdigest()
    version = response.version if isinstance(response, Json) else None
    return b'W/"%s"' % digest.encode() if version is None else b'"%d-%s"' % (version, digest.encode())
