"""A brand designer's whole way: a brief in, logos out while one watches, one of them changed."""

import httpx
import orjson

from deploy.local.stack import Stack
from tests.system.client import Client, photo

BRIEF = {"brand_name": "Morning Ember", "brief": "small batches of coffee", "count": "2", "colors": "#c8553d"}


async def test_from_a_brief_to_a_refined_logo(client: Client, system: Stack) -> None:
    mood = [("inspiration_images", ("mood.png", photo(3), "image/png"))]
    project = await client.post("/projects", data=BRIEF, files=mood)
    async with httpx.AsyncClient(base_url=system.url, timeout=60) as browser:
        told = await _followed(browser, project["stream_url"])
        again = await browser.get(project["stream_url"])
    assert told[0] == "snapshot"
    assert told[-1] == "project_completed"
    assert again.status_code == 401, "its ticket was for one connection"
    [logo, _] = (await client.get(f"/projects/{project['project_id']}/assets"))["items"]
    body = {"instruction": "navy, on a dark background", "provider": "local"}
    refined = await client.post(f"/assets/{logo['id']}/refine", json=body)
    await client.finished(refined["job_id"])
    child = await client.get(f"/assets/{refined['asset_ids'][0]}")
    assert (child["status"], child["parent_asset_id"]) == ("completed", logo["id"])
    async with httpx.AsyncClient() as browser:
        drawing = await browser.get(child["vector_url"])
        inspiration = (await client.get(f"/projects/{project['project_id']}"))["inspiration_images"][0]
        assert (await browser.get(inspiration["url"])).content == photo(3)
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert drawing.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert 'fill="#14161c"' in drawing.text


async def _followed(browser: httpx.AsyncClient, url: str) -> list[str]:
    """The names of all events until the server ends the stream."""
    names = []
    async with browser.stream("GET", url) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "data":
                names.append(str(orjson.loads(value)["type"]))
    return names
