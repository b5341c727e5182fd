"""The auth service as its clients meet it: its app over real servers, everything through HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from httpx import ASGITransport, AsyncClient, Response

from deploy.local.postgres import Postgres
from libs.common.service import Service
from services.auth import passwords
from services.auth.api import app
from services.auth.settings import AuthSettings

PASSWORD = "correct horse battery"

Variables = dict[str, str]
OpenClient = Callable[..., AbstractAsyncContextManager[AsyncClient]]


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of a second per login is a long time here."""
    monkeypatch.setattr(passwords, "COST", 4)


@pytest.fixture
def variables(postgres: Postgres, nats: str, service_env: Callable[[str], Variables]) -> Variables:
    return service_env("auth")


@pytest.fixture
def open_client(variables: Variables, monkeypatch: pytest.MonkeyPatch) -> OpenClient:
    """`async with open_client(REGISTRATION_MODE="admin") as client`: the app with these variables.

    There is one app in a process, so one at a time.
    """

    @asynccontextmanager
    async def connect(**changed: str) -> AsyncIterator[AsyncClient]:
        client = AsyncClient(transport=ASGITransport(app), base_url="http://test/api/v1")
        with monkeypatch.context() as environment:
            for name, value in (variables | changed).items():
                environment.setenv(name, value)
            async with app.router.lifespan_context(app), client:
                yield client

    return connect


@pytest.fixture
async def client(open_client: OpenClient) -> AsyncIterator[AsyncClient]:
    async with open_client() as client:
        yield client


@pytest.fixture
def service(client: AsyncClient) -> Service[AuthSettings]:
    """What the client talks to."""
    running: Service[AuthSettings] = app.state.service
    return running


@dataclass
class Person:
    """A registered account with its password, logged in or not."""

    client: AsyncClient
    email: str
    id: str
    userid: str
    username: str

    async def log_in(self, path: str = "/auth/login", **body: str) -> dict[str, Any]:
        answer = await self.client.post(path, json={"email": self.email, "password": PASSWORD} | body)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


@pytest.fixture
async def ada(client: AsyncClient) -> Person:
    return await register(client)


@pytest.fixture
async def admin(client: AsyncClient) -> dict[str, str]:
    return await log_in_admin(client)


async def log_in_admin(client: AsyncClient) -> dict[str, str]:
    """The headers of the seeded admin."""
    answer = await client.post("/admin/login", json={"username": "admin", "password": "admin123"})
    return bearer(answer.json()["access_token"])


async def register(client: AsyncClient) -> Person:
    """Somebody new."""
    name = f"ada-{uuid4().hex[:12]}"
    answer = await client.post("/auth/register", json=registration(name))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return Person(client, body["email"], body["id"], body["userid"], name)


def registration(name: str, **changed: Any) -> dict[str, Any]:
    body = {
        "email": f"{name}@example.com",
        "username": name,
        "full_name": "Ada Lovelace",
        "password": PASSWORD,
    }
    return body | changed


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def refused(answer: Response, status: int, code: str) -> dict[str, Any]:
    """The problem the answer is."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return problem
