"""`kill -9` of a worker between a paid answer and the end of its job: the answer is used, nothing is bought again."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from deploy.local.stack import Stack
from libs.common.database import connect
from tests.libs.common.waiting import eventually
from tests.peers.both import Peers
from tests.system.client import Client, photo

WORKER = "generation-worker"
PICTURES = 2


@pytest.mark.timeout(300)
async def test_a_killed_worker_never_pays_twice_for_what_was_stored(
    client: Client, system: Stack, peers: Peers
) -> None:
    product = (await client.post("/products", json={"title": "Mug"}))["id"]
    files = [("files", ("mug.png", photo(3), "image/png"))]
    await client.post(f"/products/{product}/upload-references", files=files)
    peers.stubs["gemini"].calls.clear()
    await asyncio.to_thread(system.kill, WORKER, signal.SIGSTOP)
    body = {"prompt": "on snow", "count": PICTURES, "allow_without_spec": True, "provider": "gemini"}
    request = (await client.post(f"/products/{product}/generate", json=body))["request_id"]
    con = await connect(system.postgres.superuser_url, "generation")
    async with _no_picture_recorded(system, request):
        await asyncio.to_thread(system.kill, WORKER, signal.SIGCONT)
        await eventually(lambda: _all_answers_stored(con, request), seconds=120)
        await asyncio.to_thread(system.kill, WORKER)
    assert await con.fetchval("SELECT count(*) FROM gallery WHERE request_id = $1", UUID(request)) == 0
    await con.execute("UPDATE job_queue SET lease_until = now() WHERE job_id = $1", UUID(request))
    await con.close()
    job = await client.finished(request)
    assert (job["status"], job["attempts"]) == ("completed", 2)
    assert len(peers.stubs["gemini"].calls) == PICTURES
    seen = (await client.get(f"/generation-requests/{request}"))["images"]
    assert [image["generation_index"] for image in seen] == [1, 2]
    for image in seen:
        told = await client.get(f"/generated-images/{image['id']}/provenance")
        assert told["call"]["request_id"] == "response-1", "the stored answer, not a new one"


async def _all_answers_stored(con: asyncpg.Connection, request: str) -> bool:
    stored = "SELECT count(*) FROM job_calls WHERE job_id = $1 AND answer IS NOT NULL"
    return bool(await con.fetchval(stored, UUID(request)) == PICTURES)


@asynccontextmanager
async def _no_picture_recorded(system: Stack, request: str) -> AsyncIterator[None]:
    """An open transaction has taken the first place in every picture's stream."""
    con = await connect(system.postgres.superuser_url, "generation")
    transaction = con.transaction()
    await transaction.start()
    pinned = await con.fetchval("SELECT images FROM generation_requests WHERE request_id = $1", UUID(request))
    for picture in pinned:
        await con.execute(
            "INSERT INTO events (stream_id, version, stream_type, type, schema_ver, event_id, public, data, meta) "
            "VALUES ($1, 1, 'image', 'none', 1, gen_random_uuid(), false, '{}', '{}')",
            UUID(picture["image_id"]),
        )
    yield
    await transaction.rollback()
    await con.close()
