"""One trace follows the main job through every process, and the log lines of all of them bear its ids."""

import json
from typing import Any
from uuid import uuid4

import websockets

from deploy.local.services import api_names, worker_names
from deploy.local.stack import Stack
from tests.collector import Collected, Collector
from tests.libs.common.waiting import eventually
from tests.system.client import PASSWORD, Client

PATIENCE = 60.0
Way = list[tuple[str, str]]

# from the span that is nobody's child to the provider's call: each step the child of the one before it
PICTURES: Way = [
    ("generation-api", "POST /api/v1/products/{product_id}/generate"),
    ("generation-worker", "job generation"),
    ("generation-worker", "provider image.generate"),
]
SPECIFICATION: Way = [
    ("analysis-api", "POST /api/v1/products/{product_id}/analyze"),
    ("analysis-worker", "job specification"),
    ("analysis-worker", "provider vision.describe"),
]
QUESTION: Way = [
    ("generation-api", "POST /api/v1/products/{product_id}/generate"),
    ("generation-api", "ask catalog.product"),
    ("catalog-api", "answer product"),
]
COPIES: Way = [
    ("generation-worker", "job generation"),
    ("generation-worker", "publish generation.image_generated"),
    ("generation-worker", "react generation_variants"),
]
PHOTO: Way = [
    ("catalog-api", "POST /api/v1/products/{product_id}/upload-references"),
    ("catalog-worker", "publish catalog.reference_uploaded"),
    ("catalog-worker", "react catalog_variants"),
]
WATCHING: Way = [
    ("analysis-api", "WS /ws/processing/{job_id}"),
    ("analysis-api", "ask auth.redeem_ticket"),
    ("auth-api", "answer redeem_ticket"),
]
ACCOUNT: Way = [
    ("auth-api", "POST /api/v1/auth/register"),
    ("auth-worker", "publish auth.account_registered"),
]
WAYS = [PICTURES, SPECIFICATION, QUESTION, COPIES, PHOTO, WATCHING, ACCOUNT]


async def test_one_trace_follows_the_main_job_everywhere(system: Stack, collector: Collector) -> None:
    trace_id, root_id, request_id = uuid4().hex, uuid4().hex[:16], f"request-{uuid4()}"
    system.wait_ready()
    headers = {"traceparent": f"00-{trace_id}-{root_id}-01", "x-request-id": request_id}
    async with Client(system.url, headers) as client:
        await _main_job(system, client, headers)
    spans = await eventually(lambda: _complete(collector, trace_id), PATIENCE)
    parents = {span.span_id: span.parent_id for span in spans}
    orphans = [span for span in spans if span.parent_id not in {root_id, *parents}]
    assert not orphans, [(span.process, span.name) for span in orphans]
    assert {span.process for span in spans} == {*api_names(), *worker_names()}
    for process in ("analysis-worker", "generation-worker"):
        lines = [line for line in _lines(system, process) if line.get("request_id") == request_id]
        assert lines, process
        assert {line["trace_id"] for line in lines} == {trace_id}


async def _main_job(system: Stack, client: Client, headers: dict[str, str]) -> None:
    """Photo in, specification and picture out, watched over a WebSocket; every request in one trace."""
    email = f"{uuid4().hex[:12]}@example.org"
    await client.post("/auth/register", json={"email": email, "password": PASSWORD})
    await client.log_in(email=email, password=PASSWORD)
    job = await client.main_job(seed=7)
    origin = system.url.replace("http://", "ws://")
    ticket = (await client.post("/auth/tickets"))["ticket"]
    address = f"{origin}/ws/processing/{job.request}?ticket={ticket}"
    async with websockets.connect(address, additional_headers=headers) as socket:
        messages = [json.loads(message) async for message in socket]
    assert messages[-1]["type"] == "job_complete"


async def _complete(collector: Collector, trace_id: str) -> list[Collected]:
    spans = collector.of_trace(trace_id)
    missing = [way[-1] for way in WAYS if not _leads(spans, way)]
    assert not missing, missing
    return spans


def _leads(spans: list[Collected], way: Way) -> bool:
    """Whether there are such spans, each the child of the one before."""
    reached = {span.span_id for span in spans if (span.process, span.name) == way[0]}
    for step in way[1:]:
        reached = {
            span.span_id for span in spans if (span.process, span.name) == step and span.parent_id in reached
        }
    return bool(reached)


def _lines(system: Stack, process: str) -> list[dict[str, Any]]:
    log = system.run.logs / f"{process}.log"
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
