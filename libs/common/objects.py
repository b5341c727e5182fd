"""The object store (any S3 API). Objects are written once and never changed."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import MinioException, S3Error
from minio.lifecycleconfig import LifecycleConfig, NoncurrentVersionExpiration, Rule
from minio.versioningconfig import VersioningConfig

from libs.common.errors import NotFound, Unavailable
from libs.common.s3 import S3, Reply, sha256
from libs.common.settings import ObjectStoreSettings

T = TypeVar("T")
log = logging.getLogger(__name__)

NOT_FOUND, PRECONDITION_FAILED = 404, 412
URL_LIFETIME = timedelta(hours=1)
VERSIONS_KEPT = timedelta(days=30)
"""Long enough to undo a mistake, short enough that what a person had erased is gone in a month."""
_SIGNING_STEP = 1800
_PATIENCE = 10.0
_NO_OBJECT = {"NoSuchKey", "NoSuchObject"}
"""What a 404 says of an object. `NoSuchBucket` is another matter, and so is the 404 of a server in between."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of an object without reading it; `sha256` in hexadecimal."""

    size: int
    content_type: str
    sha256: str


class ObjectStore:
    """A store that is away raises Unavailable within seconds.

    Objects are read and written on the event loop; the bucket itself is `minio`'s matter, in a thread.
    """

    def __init__(self, settings: ObjectStoreSettings) -> None:
        self.bucket = settings.s3_bucket
        keys = settings.s3_access_key, settings.s3_secret_key, settings.s3_region
        self._s3 = S3(settings.s3_endpoint, *keys, self.bucket)
        self._client = _client(settings, settings.s3_endpoint)
        self._public = _client(settings, settings.s3_public_url or settings.public_url)
        self._signed = lru_cache(maxsize=20_000)(self._sign)

    async def put(self, key: str, data: bytes, content_type: str) -> str:
        """Returns the sha256 of what the key holds: `data`, or what an earlier attempt has put there."""
        digest = await sha256(data)
        headers = {"Content-Type": content_type, "If-None-Match": "*", "x-amz-meta-sha256": digest}
        reply = await self._ask("PUT", key, data, headers)
        return (await self.stat(key)).sha256 if reply.status == PRECONDITION_FAILED else digest

    async def get(self, key: str) -> bytes:
        """Raises NotFound."""
        return (await self._ask("GET", key)).body

    async def read(self, key: str, look: Callable[[bytes], T]) -> tuple[bytes, T]:
        """The object and what `look` finds in it, in a thread. Raises NotFound, and what `look` raises."""
        data = await self.get(key)
        return data, await asyncio.to_thread(look, data)

    async def stat(self, key: str) -> Stored:
        """Raises NotFound; reads the object only if somebody else's upload left no sha256 with it."""
        found = (await self._ask("HEAD", key)).headers
        digest = found.get("x-amz-meta-sha256") or await sha256(await self.get(key))
        content_type = found.get("Content-Type") or "application/octet-stream"
        return Stored(int(found.get("Content-Length") or 0), content_type, digest)

    async def exists(self, key: str) -> bool:
        try:
            await self._ask("HEAD", key)
        except NotFound:
            return False
        return True

    async def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""
        await self._ask("DELETE", key)

    async def keys(self, prefix: str) -> list[str]:
        """Every key below `prefix`."""
        return await self._call(self._keys, prefix)

    async def ensure_bucket(self) -> None:
        """Makes the bucket if need be. It is private, and keeps for `VERSIONS_KEPT` what is deleted or overwritten."""
        await self._call(self._ensure_bucket)

    async def ping(self) -> None:
        """Raises Unavailable unless the bucket can be reached."""
        if not await self._call(self._client.bucket_exists, self.bucket):
            raise Unavailable(f"the object store has no bucket {self.bucket}")

    def url(self, key: str, *, download: str | None = None) -> str:
        """Where a browser gets the object for up to an hour, through the gateway; `download` names the file.

        Signed for half an hour at a time, so that the URL, and with it the browser's cache, stays the same.
        """
        return self._signed(key, download, int(time.time() // _SIGNING_STEP))

    def put_url(self, key: str) -> str:
        """Where a client may upload the object for up to an hour."""
        return self._public.get_presigned_url("PUT", self.bucket, key, URL_LIFETIME)

    async def close(self) -> None:
        await self._s3.close()

    def _sign(self, key: str, download: str | None, step: int) -> str:
        named: dict[str, str | list[str] | tuple[str]] = {}
        if download:
            named["response-content-disposition"] = f"attachment; filename*=UTF-8''{quote(download)}"
        signed_at = datetime.fromtimestamp(step * _SIGNING_STEP, UTC)
        return self._public.get_presigned_url("GET", self.bucket, key, URL_LIFETIME, named, signed_at)

    async def _ask(
        self, method: str, key: str, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Raises NotFound, and Unavailable for whatever else is no success, but for a condition that does not hold."""
        try:
            async with asyncio.timeout(_PATIENCE):
                reply = await self._s3.request(method, key, data, headers)
        except (aiohttp.ClientError, OSError) as error:
            raise _unavailable(error) from error
        if reply.status == NOT_FOUND and (method == "HEAD" or reply.code in _NO_OBJECT):
            raise NotFound("there is no such object", code="object_not_found")
        if reply.status >= 300 and reply.status != PRECONDITION_FAILED:
            raise _unavailable(f"{method} {key}: {reply.status} {reply.code or ''}")
        return reply

    async def _call(self, work: Callable[..., T], *args: object) -> T:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await asyncio.to_thread(work, *args)
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def _ensure_bucket(self) -> None:
        if not self._client.bucket_exists(self.bucket):
            self._client.make_bucket(self.bucket)
        self._make_private()
        self._client.set_bucket_versioning(self.bucket, VersioningConfig(ENABLED))
        forgotten = NoncurrentVersionExpiration(noncurrent_days=VERSIONS_KEPT.days)
        rule = Rule(ENABLED, Filter(prefix=""), rule_id="versions", noncurrent_version_expiration=forgotten)
        self._client.set_bucket_lifecycle(self.bucket, LifecycleConfig([rule]))

    def _make_private(self) -> None:
        """Without a policy only the owner's keys open it; some stores mind if there never was one."""
        try:
            self._client.delete_bucket_policy(self.bucket)
        except S3Error as error:
            if error.code != "NoSuchBucketPolicy":
                raise

    def _keys(self, prefix: str) -> list[str]:
        found = self._client.list_objects(self.bucket, prefix, recursive=True)
        return [item.object_name for item in found if item.object_name]


def _client(settings: ObjectStoreSettings, url: str) -> Minio:
    address = urlsplit(url)
    return Minio(
        address.netloc,
        settings.s3_access_key,
        settings.s3_secret_key,
        secure=address.scheme == "https",
        region=settings.s3_region,  # given, or every first signature asks the server for it
        http_client=urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=2, read=5),
            retries=urllib3.Retry(total=1, backoff_factor=0.1, status_forcelist=(500, 502, 503, 504)),
        ),
    )


def _unavailable(why: object) -> Unavailable:
    log.warning("object store: %s", why)
    return Unavailable(
        "the object store is away: try again soon", code="object_store_unavailable", retry_after=2
    )
