"""A project followed by server-sent events."""

import asyncio

from httpx import AsyncClient

from libs.providers.errors import ErrorCode
from tests.services.generation.brands.conftest import Begin, until
from tests.services.generation.conftest import Working
from tests.services.generation.studio import Studio
from tests.sse import Event, events_of


async def everything(client: AsyncClient, project_id: str, **headers: str) -> list[Event]:
    return [event async for event in events_of(client, f"/projects/{project_id}/stream", **headers)]


async def test_a_follower_sees_the_prompts_and_every_logo_come(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    project_id = (await begin(count="2"))["project_id"]
    following = asyncio.create_task(everything(client, project_id))
    async with working(studio.providers()):
        told = await following
    names = [event["event"] for event in told]
    assert names == ["snapshot", "prompt_ready", "asset_completed", "asset_completed", "project_completed"]
    assert told[0]["data"]["data"]["project"]["status"] == "pending"
    assert [one["status"] for one in told[0]["data"]["data"]["assets"]] == ["pending"] * 2
    assert told[1]["data"]["data"]["prompts"] == ["idea 1", "idea 2"]
    assert all(event["data"]["data"]["asset"]["url"] for event in told[2:4])
    assert [one["status"] for one in told[4]["data"]["data"]["assets"]] == ["completed"] * 2
    assert {event["data"]["project_id"] for event in told} == {project_id}
    ids = [int(event["id"]) for event in told]
    assert ids == sorted(set(ids))


async def test_who_lost_the_connection_goes_on_where_it_was(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    studio.failures = {1: [ErrorCode.REFUSED]}
    project_id = (await begin(count="2"))["project_id"]
    async with working(studio.providers()):
        await until(client, f"/projects/{project_id}", "completed")
    told = await everything(client, project_id, **{"last-event-id": "0"})
    assert sorted(event["event"] for event in told) == [
        "asset_completed",
        "asset_failed",
        "project_completed",
        "prompt_ready",
    ]
    for place, event in enumerate(told[:-1]):
        rest = await everything(client, project_id, **{"last-event-id": event["id"]})
        assert [one["id"] for one in rest] == [one["id"] for one in told[place + 1 :]]
    end = await client.get(f"/projects/{project_id}/stream", headers={"last-event-id": told[-1]["id"]})
    assert end.status_code == 204


async def test_who_comes_late_still_hears_the_end(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    studio.unwilling = [ErrorCode.REFUSED]
    project_id = (await begin(count="1"))["project_id"]
    async with working(studio.providers()):
        await until(client, f"/projects/{project_id}", "failed")
    snapshot, end = await everything(client, project_id)
    assert (snapshot["event"], snapshot["data"]["data"]["project"]["status"]) == ("snapshot", "failed")
    assert (end["event"], end["data"]["data"]["code"]) == ("project_failed", "content_refused")


async def test_a_cancelled_project_has_failed(client: AsyncClient, begin: Begin) -> None:
    accepted = await begin(count="1")
    await client.delete(accepted["links"]["cancel"].removeprefix("/api/v1"))
    [_, end] = await everything(client, accepted["project_id"])
    assert (end["event"], end["data"]["data"]["code"]) == ("project_failed", "cancelled")
