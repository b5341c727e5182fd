"""The object store (any S3 API). Objects are written once and never changed."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import TypeVar
from urllib.parse import quote, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import MinioException, S3Error
from minio.lifecycleconfig import LifecycleConfig, NoncurrentVersionExpiration, Rule
from minio.versioningconfig import VersioningConfig

from libs.common.errors import NotFound, Unavailable
from libs.common.settings import ObjectStoreSettings

T = TypeVar("T")
Headers = dict[str, str | list[str] | tuple[str]]
log = logging.getLogger(__name__)

URL_LIFETIME = timedelta(hours=1)
VERSIONS_KEPT = timedelta(days=30)
"""Long enough to undo a mistake, short enough that what a person had erased is gone in a month."""
_SIGNING_STEP = 1800
_THREADS = 32
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of an object without reading it; `sha256` in hexadecimal."""

    size: int
    content_type: str
    sha256: str


class ObjectStore:
    """Calls run in a few threads of their own; a store that is away raises Unavailable within seconds."""

    def __init__(self, settings: ObjectStoreSettings) -> None:
        self.bucket = settings.s3_bucket
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="objects")
        self._client = _client(settings, settings.s3_endpoint)
        self._public = _client(settings, settings.s3_public_url or settings.public_url)
        self._signed = lru_cache(maxsize=20_000)(self._sign)

    async def put(self, key: str, data: bytes, content_type: str) -> str:
        """Returns the sha256 of what the key holds: `data`, or what an earlier attempt has put there."""
        return await self._call(self._put, key, data, content_type)

    async def get(self, key: str) -> bytes:
        """Raises NotFound."""
        return await self._call(self._get, key)

    async def read(self, key: str, look: Callable[[bytes], T]) -> tuple[bytes, T]:
        """The object and what `look` finds in it, in one go. Raises NotFound, and what `look` raises."""
        return await self._call(self._read, key, look)

    async def stat(self, key: str) -> Stored:
        """Raises NotFound; reads the object only if somebody else's upload left no sha256 with it."""
        return await self._call(self._stat, key)

    async def exists(self, key: str) -> bool:
        try:
            await self._call(self._client.stat_object, self.bucket, key)
        except NotFound:
            return False
        return True

    async def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""
        await self._call(self._client.remove_object, self.bucket, key)

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

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _sign(self, key: str, download: str | None, step: int) -> str:
        named: Headers = {}
        if download:
            named["response-content-disposition"] = f"attachment; filename*=UTF-8''{quote(download)}"
        signed_at = datetime.fromtimestamp(step * _SIGNING_STEP, UTC)
        return self._public.get_presigned_url("GET", self.bucket, key, URL_LIFETIME, named, signed_at)

    async def _call(self, work: Callable[..., T], *args: object) -> T:
        call = asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args))
        try:
            async with asyncio.timeout(_PATIENCE):
                return await call
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchObject"):
                raise NotFound("there is no such object", code="object_not_found") from None
            raise _unavailable(error) from error
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

    def _put(self, key: str, data: bytes, content_type: str) -> str:
        digest = hashlib.sha256(data).hexdigest()
        headers: Headers = {"Content-Type": content_type, "If-None-Match": "*", "x-amz-meta-sha256": digest}
        try:
            # the public put_object cannot make the write conditional
            self._client._put_object(self.bucket, key, data, headers)
        except S3Error as error:
            if error.code != "PreconditionFailed":
                raise
            return self._stat(key).sha256
        return digest

    def _get(self, key: str) -> bytes:
        response = self._client.get_object(self.bucket, key)
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    def _read(self, key: str, look: Callable[[bytes], T]) -> tuple[bytes, T]:
        data = self._get(key)
        return data, look(data)

    def _stat(self, key: str) -> Stored:
        found = self._client.stat_object(self.bucket, key)
        metadata = found.metadata or {}
        digest = metadata.get("x-amz-meta-sha256") or hashlib.sha256(self._get(key)).hexdigest()
        return Stored(found.size or 0, found.content_type or "application/octet-stream", digest)

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
            maxsize=_THREADS,
            block=True,
            timeout=urllib3.Timeout(connect=2, read=5),
            retries=urllib3.Retry(total=1, backoff_factor=0.1, status_forcelist=(500, 502, 503, 504)),
        ),
    )


def _unavailable(error: Exception) -> Unavailable:
    log.warning("object store: %s", error)
    return Unavailable(
        "the object store is away: try again soon", code="object_store_unavailable", retry_after=2
    )
