"""Specifications as a client sees them; the first version comes from the stream, not from an analysis."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from uuid_utils.compat import uuid4, uuid7

from libs.common.service import Service
from libs.providers.spec_yaml import parse_yaml
from services.analysis.specifications.documents import keep
from services.analysis.specifications.domain import AddSpecification, specifications, stream_of
from tests.libs.common.waiting import eventually
from tests.services.analysis.neighbours import Catalog
from tests.statements import statements

FIRST = """\
title: Mug
confidence: 0.45
material: {primary: ceramic}
colours:
  items:
    - {hex: '#205E8B', name: blue}
dimensions:
  items:
    - {axis: width, value: 8, unit: cm}
    - {axis: height, value: 95.5, unit: mm}
"""
SECOND = FIRST.replace("ceramic", "porcelain").replace("#205E8B", "#CFE7EE") + "# said the owner\n"
DEEP = "a: " + "[" * 40 + "]" * 40
BOMB = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n"


@pytest.fixture
async def product_id(api: Service[Any], owner_id: UUID) -> UUID:
    """A product with one specification."""
    product_id = uuid7()
    facts = await keep(api.objects, owner_id, product_id, FIRST, parse_yaml(FIRST))
    command = AddSpecification(
        **facts,
        owner_id=owner_id,
        product_id=product_id,
        specification_id=uuid7(),
        source="analysis",
        image_count=2,
        analysis_model="classical/1",
        provider="local",
    )
    async with api.transaction() as tx:
        await tx.handle(specifications, stream_of(product_id), command)
    return product_id


@pytest.fixture
def path(product_id: UUID) -> str:
    return f"/products/{product_id}/specifications"


async def edit(client: AsyncClient, path: str, yaml_content: str = SECOND, **fields: Any) -> dict[str, Any]:
    answer = await client.put(path, json={"yaml_content": yaml_content, **fields})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_specification_shows_what_its_text_says(
    client: AsyncClient, path: str, owner_id: UUID
) -> None:
    body = (await client.get(f"{path}/1")).json()
    assert body["yaml_content"] == FIRST
    assert body["confidence_overall"] == body["confidence"] == 0.45
    assert body["material_type"] == "ceramic"
    assert body["primary_colors"] == [{"hex": "#205E8B", "name": "blue"}]
    assert body["primary_dimensions"] == {"width": 8.0, "height": 9.55, "unit": "cm"}
    assert body["template_version"] == "1.0"
    assert (body["source"], body["is_active"], body["version"]) == ("analysis", True, 1)
    assert body["created_by"] == str(owner_id)
    assert body["created_at"].endswith("Z")


async def test_every_spelling_finds_the_same_specification(client: AsyncClient, path: str) -> None:
    body = (await client.get(f"{path}/active")).json()
    for same in (f"{path}/1", f"{path}/{body['id']}", f"/specifications/{body['id']}"):
        assert (await client.get(same)).json() == body


async def test_an_edit_is_a_new_version_that_takes_over(
    client: AsyncClient, path: str, api: Service[Any]
) -> None:
    answer = await client.put(f"{path}/1", json={"yaml_content": SECOND, "change_notes": "measured again"})
    second = answer.json()
    assert answer.headers["location"] == f"/api/v1{path}/2"
    assert (second["version"], second["is_active"], second["source"]) == (2, True, "edit")
    assert (second["change_notes"], second["image_count"]) == ("measured again", 2)
    assert second["material_type"] == "porcelain"
    assert (await api.objects.get(second["s3_key"])).decode() == SECOND
    assert (await client.get(f"{path}/1")).json()["is_active"] is False
    assert (await client.get(f"{path}/active")).json() == second
    third = await edit(client, f"/specifications/{second['id']}", FIRST, activate=False)
    assert (third["version"], third["is_active"]) == (3, False)


async def test_an_earlier_version_is_activated_again_once(
    client: AsyncClient, path: str, api: Service[Any]
) -> None:
    second = await edit(client, f"{path}/1")
    for _ in range(2):
        answer = await client.post(f"{path}/1/activate")
        assert (answer.status_code, answer.json()["is_active"]) == (200, True)
        assert answer.headers["etag"].startswith('"5-')
    assert (await client.get(f"{path}/active")).json()["version"] == 1
    await client.post(f"/specifications/{second['id']}/activate")
    assert (await client.get(f"{path}/active")).json()["version"] == 2


async def test_the_list_has_every_version_newest_first(client: AsyncClient, path: str) -> None:
    for _ in range(4):
        await edit(client, f"{path}/1")
    page = (await client.get(path, params={"page_size": 2})).json()
    assert [item["version"] for item in page["items"]] == [5, 4]
    assert (page["total"], page["pages"]) == (5, 3)
    oldest = (await client.get(path, params={"sort": "version", "limit": 2, "offset": 3})).json()
    assert [item["version"] for item in oldest["items"]] == [4, 5]
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get(path, params={"cursor": cursor, "limit": 2})).json()
        seen += [item["version"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["W10", "WyJ4Il0", "WzFlOTld", "not base64"])
async def test_a_cursor_of_another_list_is_refused(client: AsyncClient, path: str, cursor: str) -> None:
    answer = await client.get(path, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_a_product_without_specifications_has_an_empty_list(
    client: AsyncClient, stranger: AsyncClient, catalog: Catalog, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id)
    path = f"/products/{product_id}/specifications"
    assert (await client.get(path)).json()["items"] == []
    assert (await stranger.get(path)).status_code == 404
    assert (await client.get(f"{path}/active")).json()["code"] == "no_active_specification"


async def test_the_raw_text_is_there_for_who_asks_for_yaml(client: AsyncClient, path: str) -> None:
    await edit(client, f"{path}/1")
    for where in (f"{path}/active", f"{path}/2"):
        answer = await client.get(where, headers={"accept": "application/yaml"})
        assert answer.text == SECOND
        assert answer.headers["content-type"].startswith("application/yaml")
        again = await client.get(
            where, headers={"accept": "application/yaml", "if-none-match": answer.headers["etag"]}
        )
        assert again.status_code == 304
        refused = await client.get(where, headers={"accept": "application/yaml;q=0, */*"})
        assert refused.headers["content-type"] == "application/json"


async def test_the_past_can_be_asked_for(client: AsyncClient, path: str) -> None:
    before = datetime.now(UTC)
    await edit(client, f"{path}/1")

    async def active(as_of: str) -> Any:
        return (await client.get(f"{path}/active", params={"as_of": as_of})).json()

    then = await active(before.isoformat())
    assert (then["version"], then["is_active"]) == (1, True)
    assert (await active(datetime.now(UTC).isoformat()))["version"] == 2
    assert (await active("2"))["version"] == 1
    assert (await active("4"))["version"] == 2
    assert (await active("2020-01-01T00:00:00Z"))["code"] == "no_active_specification"
    assert (await active("yesterday"))["code"] == "validation_error"


async def test_what_changed_is_told_field_by_field(client: AsyncClient, path: str) -> None:
    third = FIRST.replace("title: Mug", "weight/gross: 300 g").replace(
        "    - {axis: height, value: 95.5, unit: mm}\n", ""
    )
    await edit(client, f"{path}/1", third)
    diff = (await client.get(f"{path}/diff", params={"from": 1, "to": 2})).json()
    assert (diff["from"]["version"], diff["to"]["version"]) == (1, 2)
    assert diff["changes"] == [
        {"path": "/title", "change": "removed", "from": "Mug", "to": None},
        {
            "path": "/dimensions/items/1",
            "change": "removed",
            "from": {"axis": "height", "value": 95.5, "unit": "mm"},
            "to": None,
        },
        {"path": "/weight~1gross", "change": "added", "from": None, "to": "300 g"},
    ]
    same = await client.get(f"{path}/diff", params={"from": 2, "to": diff["to"]["specification_id"]})
    assert same.json()["changes"] == []
    assert (await client.get(f"{path}/diff", params={"from": 1})).status_code == 422
    assert (await client.get(f"{path}/diff", params={"from": 1, "to": 3})).status_code == 404


@pytest.mark.parametrize(
    ("yaml_content", "line"),
    [
        ("title: Mug\ncolours: ]", 2),
        ("title: Mug\nconfidence: 7", 2),
        ("title: Mug\ntitle: Cup", 2),
        ("- a list", 1),
        (DEEP, 1),
        (BOMB, 2),
        ("a: !!python/object/apply:os.system [x]", 1),
        ("title: " + "x" * 100_001, 1),
        ("", 1),
    ],
)
async def test_a_bad_text_is_refused_with_its_line(
    client: AsyncClient, path: str, yaml_content: str, line: int
) -> None:
    answer = await client.put(f"{path}/1", json={"yaml_content": yaml_content})
    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "invalid_yaml")
    assert body["errors"][0]["loc"][:2] == ["yaml_content", line]
    assert (await client.get(path)).json()["total"] == 1


async def test_of_two_edits_of_the_same_version_one_wins(client: AsyncClient, path: str) -> None:
    seen = (await client.get(f"{path}/1")).headers["etag"]
    edits = [
        client.put(f"{path}/1", json={"yaml_content": f"title: {name}"}, headers={"if-match": seen})
        for name in ("Cup", "Bowl")
    ]
    answers = await asyncio.gather(*edits)
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    refused = await client.post(f"{path}/1/activate", headers={"if-match": seen})
    assert refused.status_code == 412
    current = (await client.get(f"{path}/1")).headers["etag"]
    assert (await client.post(f"{path}/1/activate", headers={"if-match": current})).status_code == 200


async def test_edits_without_an_expectation_all_succeed(client: AsyncClient, path: str) -> None:
    made = await asyncio.gather(*(edit(client, f"{path}/1", f"title: Mug {n}") for n in range(8)))
    assert sorted(body["version"] for body in made) == list(range(2, 10))
    listed = (await client.get(path)).json()["items"]
    assert len([item for item in listed if item["is_active"]]) == 1


async def test_a_strangers_specification_does_not_exist(
    client: AsyncClient, stranger: AsyncClient, catalog: Catalog, path: str
) -> None:
    specification_id = (await client.get(f"{path}/1")).json()["id"]
    body = {"yaml_content": FIRST}
    for where in (f"{path}/1", f"/specifications/{specification_id}"):
        assert (await stranger.get(where)).status_code == 404
        assert (await stranger.put(where, json=body)).status_code == 404
        assert (await stranger.post(f"{where}/activate")).status_code == 404
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get(f"{path}/active")).status_code == 404
    assert (await stranger.get(f"{path}/active", params={"as_of": 2})).status_code == 404
    assert (await stranger.get(f"{path}/diff", params={"from": 1, "to": 1})).status_code == 404


@pytest.mark.parametrize(
    ("where", "status"),
    [("0", 422), ("-1", 422), (str(2**31), 422), ("2", 404), ("x", 422), (str(UUID(int=7)), 404)],
)
async def test_a_specification_that_there_is_not(
    client: AsyncClient, path: str, where: str, status: int
) -> None:
    assert (await client.get(f"{path}/{where}")).status_code == status


async def test_a_number_needs_its_product(client: AsyncClient, path: str) -> None:
    assert (await client.get("/specifications/1")).status_code == 404


async def test_nobody_reads_without_a_token(origin: str, path: str) -> None:
    async with AsyncClient(timeout=60, base_url=f"http://{origin}/api/v1") as nobody:
        assert (await nobody.get(path)).status_code == 401


async def test_the_specifications_of_a_deleted_product_are_hidden(
    client: AsyncClient, catalog: Catalog, feeds: None, owner_id: UUID, api: Service[Any]
) -> None:
    product_id = await catalog.product(owner_id)
    command = AddSpecification(
        owner_id=owner_id,
        product_id=product_id,
        specification_id=uuid7(),
        yaml_content=FIRST,
        sha256="5" * 64,
        key="k",
        source="analysis",
    )
    async with api.transaction() as tx:
        await tx.handle(specifications, stream_of(product_id), command)
    path = f"/products/{product_id}/specifications"
    assert (await client.get(f"{path}/1")).status_code == 200
    await catalog.delete(owner_id, product_id)

    async def hidden() -> bool:
        return (await client.get(f"{path}/1")).status_code == 404

    await eventually(hidden)
    assert (await client.get(path)).status_code == 404
    assert (await client.put(f"{path}/1", json={"yaml_content": SECOND})).status_code == 404


async def test_other_services_pin_what_they_are_told(
    client: AsyncClient, path: str, product_id: UUID, owner_id: UUID, service: Service[Any]
) -> None:
    whose = {"product_id": str(product_id), "owner_id": str(owner_id)}
    await edit(client, f"{path}/1")
    told = await service.bus.ask("analysis", "specification", whose)
    assert (told["version"], told["is_active"], told["yaml_content"]) == (2, True, SECOND)
    first = await service.bus.ask("analysis", "specification", whose | {"version": 1})
    by_id = {"specification_id": first["specification_id"]}
    assert await service.bus.ask("analysis", "specification", whose | by_id) == first


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (lambda: {"product_id": str(uuid4())}, "no_active_specification"),
        (lambda: {"owner_id": str(uuid4()), "version": 1}, "specification_not_found"),
        (lambda: {"version": 9}, "specification_not_found"),
        (lambda: {"specification_id": str(uuid4())}, "specification_not_found"),
    ],
)
async def test_other_services_are_told_what_there_is_not(
    product_id: UUID, owner_id: UUID, service: Service[Any], changed: Callable[[], dict[str, Any]], code: str
) -> None:
    question = {"product_id": str(product_id), "owner_id": str(owner_id)} | changed()
    with pytest.raises(Exception, match="specification") as refusal:
        await service.bus.ask("analysis", "specification", question)
    assert getattr(refusal.value, "code", None) == code


async def test_reading_and_editing_cost_few_statements(
    client: AsyncClient, path: str, api: Service[Any]
) -> None:
    costs = {}
    async with statements(api.db.pool) as seen:
        await client.get(f"{path}/active")
        costs["active"] = len(seen)
        await client.get(path)
        costs["list"] = len(seen)
        await client.put(f"{path}/1", json={"yaml_content": SECOND})
        costs["edit"] = len(seen)
        await client.post(f"{path}/1/activate")
        costs["activate"] = len(seen)
    assert costs == {"active": 1, "list": 2, "edit": 11, "activate": 19}, seen
