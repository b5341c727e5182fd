"""Dependencies mean the same, whether FastAPI resolves them or we do."""

from typing import Annotated, Any

from fastapi import Depends, Request

from libs.common.http import create_app
from libs.common.http.direct import direct
from libs.common.http.routes import Route, router
from libs.common.identity import CurrentUser
from tests.libs.common.http.conftest import ALICE, OpenClient
from tests.libs.common.http.counter_api import COUNTERS

routes = router("direct")


async def _path(request: Request) -> str:
    return request.url.path


async def _owner(user: CurrentUser, number: int) -> str:
    return f"{user.id} {number}"


Path = Annotated[str, Depends(_path)]


@routes.get("/seen/{number}")
async def seen(number: int, request: Request, user: CurrentUser, path: Path, word: str = "none") -> list[str]:
    return [str(number), request.method, str(user.id), path, word]


@routes.get("/nested/{number}")
async def nested(owner: Annotated[str, Depends(_owner)]) -> str:
    return owner


@routes.get("/plain")
async def plain() -> str:
    return "plain"


async def test_an_endpoint_gets_all_it_asks_for(open_client: OpenClient, variables: dict[str, Any]) -> None:
    app = create_app(COUNTERS, [routes], **variables)
    async with app.router.lifespan_context(app), open_client(app, account=ALICE) as client:
        found = await client.get("/seen/3", params={"word": "w"})
        assert found.json() == ["3", "GET", str(ALICE), "/api/v1/seen/3", "w"]
        assert (await client.get("/seen/x")).status_code == 422
        assert (await client.get("/nested/4")).json() == f"{ALICE} 4"
        assert (await client.get("/plain")).json() == "plain"
        del client.headers["authorization"]
        assert (await client.get("/nested/4")).status_code == 401
        assert (await client.get("/seen/3")).status_code == 401


def test_what_needs_more_than_the_request_is_left_to_fastapi() -> None:
    assert direct(nested) == (nested, ())
    endpoint, providers = direct(seen)
    assert len(providers) == 2
    assert endpoint.__name__ == "seen"
    assert all(isinstance(route, Route) for route in routes.routes)
