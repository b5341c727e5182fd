import asyncio
import gzip
import hashlib
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from uuid_utils.compat import uuid7

from deploy.local.object_store import ObjectStore as Server
from deploy.local.process import Supervised
from deploy.local.run_directory import RunDirectory, free_port
from deploy.local.stack import Stack
from libs.common import objects as module
from libs.common.errors import NotFound, Unavailable
from libs.common.objects import ObjectStore
from libs.common.settings import ObjectStoreSettings
from tests.libs.common.test_identity import settings


@pytest.fixture
def variables(stack: Stack, service_env: Callable[[str], dict[str, str]]) -> dict[str, Any]:
    """Presigned for the object store itself, where the gateway's origin would be."""
    env = service_env("catalog")
    kept = ("S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET", "JWKS_URL")
    return {name.lower(): env[name] for name in kept} | {"public_url": env["S3_ENDPOINT"]}


@pytest.fixture
async def objects(variables: dict[str, Any]) -> AsyncIterator[ObjectStore]:
    store = ObjectStore(settings(**variables))
    yield store
    await store.close()


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pool:
        yield pool


@pytest.fixture
def key() -> str:
    return f"tests/{uuid7()}.png"


async def test_what_was_put_can_be_read(objects: ObjectStore, key: str) -> None:
    data = b"\x89PNG" + b"x" * 100_000
    digest = await objects.put(key, data, "image/png")
    assert digest == hashlib.sha256(data).hexdigest()
    assert await objects.get(key) == data
    stored = await objects.stat(key)
    assert (stored.size, stored.content_type, stored.sha256) == (len(data), "image/png", digest)
    assert await objects.exists(key)
    assert key in await objects.keys("tests/")


async def test_an_object_never_changes(objects: ObjectStore, key: str) -> None:
    first = await objects.put(key, b"first", "text/plain")
    assert await objects.put(key, b"second", "text/plain") == first
    assert await objects.get(key) == b"first"


@pytest.mark.parametrize("name", ["a b+c.png", "ä/ö=ü&%25?.png", "~(')*!;:@,$.png"])
async def test_any_key_will_do(objects: ObjectStore, key: str, name: str) -> None:
    await objects.put(f"{key}/{name}", b"x", "image/png")
    assert await objects.keys(f"{key}/") == [f"{key}/{name}"]
    assert await objects.get(f"{key}/{name}") == b"x"


@pytest.mark.parametrize("size", [0, 1, 12_000_000])
async def test_every_byte_comes_back(objects: ObjectStore, key: str, size: int) -> None:
    data = b"yaml: " * (size // 6) + b"x" * (size % 6)
    await objects.put(key, data, "application/yaml")
    assert await objects.get(key) == data
    assert (await objects.stat(key)).size == size


async def test_of_parallel_writers_all_learn_what_the_key_holds(objects: ObjectStore, key: str) -> None:
    contents = [b"%d" % number for number in range(8)]
    digests = await asyncio.gather(*(objects.put(key, content, "text/plain") for content in contents))
    assert set(digests) == {hashlib.sha256(await objects.get(key)).hexdigest()}


async def test_what_is_deleted_is_gone(objects: ObjectStore, key: str) -> None:
    await objects.put(key, b"x", "text/plain")
    await objects.delete(key)
    await objects.delete(key)
    assert not await objects.exists(key)
    for read in (objects.get, objects.stat):
        with pytest.raises(NotFound):
            await read(key)


async def test_a_url_needs_no_credentials(objects: ObjectStore, http: urllib3.PoolManager, key: str) -> None:
    await objects.put(key, b"picture", "image/png")
    answer = await asyncio.to_thread(http.request, "GET", objects.url(key))
    assert (answer.status, answer.data, answer.headers["content-type"]) == (200, b"picture", "image/png")
    named = await asyncio.to_thread(http.request, "GET", objects.url(key, download='a "b" ä.png'))
    assert named.headers["content-disposition"] == "attachment; filename*=UTF-8''a%20%22b%22%20%C3%A4.png"
    unsigned = await asyncio.to_thread(http.request, "GET", objects.url(key).partition("?")[0])
    assert unsigned.status == 403


async def test_a_client_may_upload_by_itself(
    objects: ObjectStore, http: urllib3.PoolManager, key: str
) -> None:
    answer = await asyncio.to_thread(http.request, "PUT", objects.put_url(key), body=b"by hand")
    assert answer.status == 200
    assert (await objects.stat(key)).sha256 == hashlib.sha256(b"by hand").hexdigest()


async def test_what_was_uploaded_compressed_is_read_as_it_is(
    objects: ObjectStore, http: urllib3.PoolManager, key: str
) -> None:
    # inflated it would fill the memory, and be neither its size nor its sha256
    data = gzip.compress(bytes(1_000_000))
    packed = {"Content-Encoding": "gzip"}
    await asyncio.to_thread(http.request, "PUT", objects.put_url(key), body=data, headers=packed)
    assert await objects.get(key) == data
    stored = await objects.stat(key)
    assert (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("name", ["", "a/../b"])
async def test_a_key_that_names_no_object_is_refused(objects: ObjectStore, name: str) -> None:
    for call in (objects.get(name), objects.exists(name), objects.put(name, b"", ""), objects.delete(name)):
        with pytest.raises(ValueError, match=r"^$|object name"):
            await call


def test_a_url_stays_the_same_for_half_an_hour(
    variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ObjectStore(settings(**variables))
    urls = {}
    for minute in (0, 29, 30):
        monkeypatch.setattr(time, "time", lambda minute=minute: 1_800_000_000 + minute * 60)
        urls[minute] = store.url("a.png")
    assert urls[0] == urls[29] != urls[30]
    assert urls[0].startswith(variables["public_url"] + "/vitrine/a.png?")
    assert "X-Amz-Expires=3600" in urls[0]


async def test_a_store_that_is_away_is_said_to_be_so(variables: dict[str, Any]) -> None:
    store = ObjectStore(settings(**variables | {"s3_endpoint": "http://127.0.0.1:9"}))
    started = time.monotonic()
    for call in (store.get("a"), store.put("a", b"", "text/plain"), store.exists("a"), store.ping()):
        with pytest.raises(Unavailable):
            await call
    assert time.monotonic() - started < 15  # with the library's own patience it is many minutes
    await store.close()


async def test_a_store_that_hangs_is_given_up(
    variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        store = ObjectStore(
            settings(**variables | {"s3_endpoint": f"http://127.0.0.1:{mute.getsockname()[1]}"})
        )
        with pytest.raises(Unavailable):
            await store.get("a")
    await store.close()


@pytest.mark.parametrize("first", ["cut off", "busy"])
async def test_a_request_that_fails_on_the_way_is_made_once_more(
    variables: dict[str, Any], first: str
) -> None:
    requests = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await reader.readuntil(b"\r\n\r\n")
        if requests > 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npicture")
        elif first == "busy":
            writer.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        store = ObjectStore(settings(**variables | {"s3_endpoint": f"http://127.0.0.1:{port}"}))
        assert await store.get("a") == b"picture"
        assert requests == 2
        await store.close()


async def test_only_the_store_knows_that_an_object_is_missing(variables: dict[str, Any]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno route!")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        store = ObjectStore(settings(**variables | {"s3_endpoint": f"http://127.0.0.1:{port}"}))
        with pytest.raises(Unavailable):
            await store.get("a")
        await store.close()


async def test_a_bucket_that_is_missing_is_no_missing_object(variables: dict[str, Any]) -> None:
    store = ObjectStore(settings(**variables | {"s3_bucket": "elsewhere"}))
    for call in (store.get("a"), store.put("a", b"x", "text/plain")):
        with pytest.raises(Unavailable):
            await call
    await store.close()


async def test_wrong_keys_are_no_empty_bucket(variables: dict[str, Any]) -> None:
    store = ObjectStore(settings(**variables | {"s3_secret_key": "wrong"}))
    for call in (store.get("a"), store.exists("a"), store.ping()):
        with pytest.raises(Unavailable):
            await call
    await store.close()


@pytest.fixture
async def empty_store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    """Of a server whose keys may make buckets, which those of the embedded stack may not."""
    keys = {"accessKey": "test", "secretKey": "secret"}
    run = RunDirectory(tmp_path)
    server = Server(run, free_port(), *keys.values())
    program = server.program()
    identity = {"name": "test", "credentials": [keys], "actions": ["Admin"]}
    run.write_private("s3.json", json.dumps({"identities": [identity]}))
    process = Supervised(program, tmp_path / "log")
    process.start()
    process.wait_ready(60)
    where: dict[str, Any] = {
        "s3_endpoint": server.endpoint,
        "public_url": server.endpoint,
        "s3_bucket": "new",
    }
    store = ObjectStore(ObjectStoreSettings(**where, s3_access_key="test", s3_secret_key="secret"))
    yield store
    await store.close()
    process.stop()


async def test_a_bucket_is_made_private_and_keeps_versions(
    empty_store: ObjectStore, http: urllib3.PoolManager
) -> None:
    for _ in range(2):
        await empty_store.ensure_bucket()
    await empty_store.put("a", b"one", "text/plain")
    await empty_store.delete("a")
    assert not await empty_store.exists("a")
    client = empty_store._client
    versions = list(client.list_objects("new", include_version=True))
    assert sorted(version.is_delete_marker for version in versions) == [False, True]
    lifecycle = client.get_bucket_lifecycle("new")
    assert lifecycle
    assert lifecycle.rules[0].noncurrent_version_expiration
    assert lifecycle.rules[0].noncurrent_version_expiration.noncurrent_days == 30
    assert http.request("GET", empty_store.url("a").split("?")[0]).status == 403
