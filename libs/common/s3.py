"""Signed requests to any S3 API, on the event loop. The signatures are of `minio`, whose own requests need threads."""

import asyncio
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import SplitResult

import aiohttp
from minio import time
from minio.credentials.credentials import Credentials
from minio.helpers import BaseURL, check_object_name
from minio.signer import sign_v4_s3
from yarl import URL

CONNECTIONS = 32
LARGE = 1 << 18
"""Bytes that are hashed in a thread: fewer take less time than to hand them over."""
TRIES = 2
PAUSE = 0.1
TRANSIENT = frozenset({500, 502, 503, 504})
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=5)
AS_IT_IS = {"Accept-Encoding": "identity"}
_CODE = re.compile(rb"<Code>(\w+)</Code>")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        """What the store calls its refusal; answers to HEAD have none."""
        found = _CODE.search(self.body) if self.status >= 400 else None
        return found[1].decode() if found else None


class S3:
    """One bucket. A request that failed on the way is made once more: all of them may be."""

    def __init__(self, url: str, access_key: str, secret_key: str, region: str, bucket: str) -> None:
        self._base = BaseURL(url, region)
        self._credentials = Credentials(access_key, secret_key)
        self._region = region
        self._bucket = bucket
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self, method: str, key: str, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Raises aiohttp.ClientError and OSError if there is no answer; ValueError for a key that names no object."""
        check_object_name(key)  # without a key the request would be for the bucket
        url = self._base.build(method=method, region=self._region, bucket_name=self._bucket, object_name=key)
        signed = self._signed(method, url, headers or {}, await sha256(data))
        for attempt in range(1, TRIES + 1):
            try:
                reply = await self._send(method, url, data, signed)
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                if attempt == TRIES:
                    raise
            else:
                if attempt == TRIES or reply.status not in TRANSIENT:
                    break
            await asyncio.sleep(PAUSE)
        return reply

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _signed(
        self, method: str, url: SplitResult, headers: Mapping[str, str], digest: str
    ) -> dict[str, str]:
        now = time.utcnow()
        told = {"Host": url.netloc, "x-amz-content-sha256": digest, "x-amz-date": time.to_amz_date(now)}
        signed = sign_v4_s3(
            method=method,
            url=url,
            region=self._region,
            headers={**headers, **told},
            credentials=self._credentials,
            content_sha256=digest,
            date=now,
        )
        return cast(dict[str, str], signed)

    async def _send(self, method: str, url: SplitResult, data: bytes, headers: Mapping[str, str]) -> Reply:
        if self._session is None:  # made where a loop runs
            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=TIMEOUT, headers=AS_IT_IS, auto_decompress=False
            )
        body = io.BytesIO(data) if data else None
        async with self._session.request(
            method, URL(url.geturl(), encoded=True), data=body, headers=headers, allow_redirects=False
        ) as response:
            return Reply(response.status, response.headers, await response.read())


async def sha256(data: bytes) -> str:
    """In hexadecimal."""
    if len(data) < LARGE:
        return hashlib.sha256(data).hexdigest()
    return await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
