"""Every operation of the API document, with somebody else's ids: for a stranger they do not exist."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect

from deploy.local.stack import Stack
from tests.system.client import Client, photo

FILES = [("files", ("mine.png", photo(9, 160), "image/png"))]
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /products/{product_id}": {"json": {"title": "Mine"}},
    "PUT /products/{product_id}": {"json": {"title": "Mine"}},
    "POST /products/{product_id}/upload-references": {"files": FILES},
    "PATCH /products/{product_id}/references/{reference_id}": {"json": {"alt_text": "Mine"}},
    "PUT /products/{product_id}/references/{reference_id}": {"json": {"alt_text": "Mine"}},
    "PUT /products/{product_id}/specifications/{specification}": {"json": {"yaml_content": "title: Mine"}},
    "PUT /specifications/{specification}": {"json": {"yaml_content": "title: Mine"}},
    "POST /products/{product_id}/generate": {"json": {"prompt": "on marble", "allow_without_spec": True}},
    "PATCH /generated-images/{image_id}": {"json": {"favourite": True}},
    "POST /assets/{asset_id}/refine": {"json": {"instruction": "bluer"}},
    "PATCH /admin/users/{user_ref}": {"json": {"is_active": False}},
    "POST /admin/users/invitations": {"json": {"email": "friend@example.org"}},
}
"""What an operation would accept from the owner; without it the refusal could be the body's fault."""
QUERIES = {"/products/{product_id}/specifications/diff": "?from=1&to=1"}


@dataclass
class Operation:
    method: str
    path: str
    private: bool

    @property
    def of_admins(self) -> bool:
        return self.path.startswith("/admin/")

    @property
    def names_something(self) -> bool:
        return "{" in self.path

    async def call(self, client: Client, ids: dict[str, str]) -> tuple[int, str]:
        """The answer's status and text. A path with a parameter that `ids` does not know is a KeyError."""
        path = self.path.format_map(ids) + QUERIES.get(self.path, "")
        options = BODIES.get(f"{self.method} {self.path}", {})
        answer = await client.request(self.method, path, **options)
        if answer.status_code >= 400:
            assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
        return answer.status_code, answer.text


@pytest.fixture
async def operations(client: Client) -> list[Operation]:
    document = await client.get("/openapi.json")
    return [
        Operation(method.upper(), path.removeprefix("/api/v1"), "security" in details)
        for path, methods in document["paths"].items()
        for method, details in methods.items()
        if path.startswith("/api/v1/")
    ]


@pytest.fixture
async def ids(client: Client) -> dict[str, str]:
    """Something of the owner's for every parameter of a path."""
    job = await client.main_job(seed=7)
    await client.finished(job.request)
    [reference] = (await client.get(f"/products/{job.product}/references"))["items"]
    specification = await client.get(f"/products/{job.product}/specifications/active")
    brand = {"brand_name": "Ember", "brief": "coffee", "count": "1"}
    project = await client.post("/projects", data=brand)
    await client.finished(project["request_id"])
    [image] = (await client.get(f"/generation-requests/{job.request}"))["images"]
    return {
        "product_id": job.product,
        "reference_id": reference["id"],
        "specification": specification["id"],
        "request_id": job.request,
        "job_id": job.request,
        "image_id": image["id"],
        "project_id": project["project_id"],
        "asset_id": project["asset_ids"][0],
        "slug": (await client.get(f"/products/{job.product}"))["slug"],
        "user_ref": (await client.get("/auth/me"))["id"],
    }


async def test_nothing_private_is_answered_without_a_login(
    operations: list[Operation], ids: dict[str, str], system: Stack
) -> None:
    async with Client(system.url) as nobody:
        answers = {
            f"{one.method} {one.path}": await one.call(nobody, ids) for one in operations if one.private
        }
    assert len(answers) > 40
    assert {name: answer for name, answer in answers.items() if answer[0] != 401} == {}


async def test_a_strangers_things_do_not_exist(
    operations: list[Operation], ids: dict[str, str], client: Client, system: Stack
) -> None:
    before = await _owned(client, ids)
    async with Client(system.url) as anonymous:
        stranger = await anonymous.sign_in()
        own = (await stranger.post("/products", json={"title": "Mine"}))["id"]
        await stranger.post(f"/products/{own}/upload-references", files=FILES)
        for one in operations:
            if not one.private or (one.method != "GET" and not one.names_something and not one.of_admins):
                continue
            expected = 403 if one.of_admins else 404 if one.names_something else 200
            status, text = await one.call(stranger, ids)
            assert status == expected, (one, text)
            assert not any(value in text for value in ids.values()), (one, text)
        await _assert_own_product_opens_nothing(operations, stranger, own, ids)
        borrowed = {"prompt": "on marble", "specification_id": ids["specification"]}
        generated = await stranger.request("POST", f"/products/{own}/generate", json=borrowed)
        assert generated.status_code == 404, generated.text
        assert (await stranger.get("/jobs", product_id=ids["product_id"]))["items"] == []
        for job_id in (ids["job_id"], str(uuid4())):
            assert await _close_code(system, job_id, stranger.token) == 4003
            assert await _close_code(system, job_id, "forged") == 4001
    assert await _owned(client, ids) == before


async def test_the_token_of_a_websocket_is_in_no_log(client: Client, system: Stack) -> None:
    assert await _close_code(system, str(uuid4()), client.token) == 4003
    logs = [file.read_text() for file in system.run.logs.glob("*.log")]
    assert logs
    assert not any(client.token in text for text in logs)


async def _assert_own_product_opens_nothing(
    operations: list[Operation], stranger: Client, own: str, ids: dict[str, str]
) -> None:
    """What is below a product is not found below another one, the stranger's own."""
    for one in operations:
        if "{product_id}" in one.path and one.path.count("{") > 1:
            status, text = await one.call(stranger, ids | {"product_id": own})
            assert status == 404, (one, text)


async def _owned(client: Client, ids: dict[str, str]) -> list[Any]:
    product = f"/products/{ids['product_id']}"
    paths = [f"{product}/history", f"{product}/specifications", f"{product}/gallery", "/jobs"]
    versions = [(await client.get(path))["total"] for path in paths]
    image = await client.get(f"/generated-images/{ids['image_id']}")
    return [*versions, image["version"], (await client.get("/auth/me"))["is_active"]]


async def _close_code(system: Stack, job_id: str, token: str) -> int | None:
    address = f"{system.url.replace('http', 'ws', 1)}/ws/processing/{job_id}?token={token}"
    async with connect(address) as socket:
        await socket.wait_closed()
        return socket.close_code
