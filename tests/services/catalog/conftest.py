"""The catalog's API in this process, on real servers; every test has users of its own."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from uuid_utils.compat import uuid4

from deploy.local.stack import Stack
from libs.common.service import Service
from libs.common.tokens import sign_access_token
from services.catalog.api import app as catalog_app
from services.catalog.settings import CatalogSettings

_KEY = Ed25519PrivateKey.generate()
PRIVATE_KEY = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

LogIn = Callable[[UUID], AsyncClient]


@pytest.fixture
def settings(
    stack: Stack, service_env: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> CatalogSettings:
    """What the catalog's processes read; tokens are signed here instead of by auth."""
    for name, value in (service_env("catalog") | {"JWT_PRIVATE_KEY": PRIVATE_KEY}).items():
        monkeypatch.setenv(name, value)
    return CatalogSettings()


@pytest.fixture
async def app(settings: CatalogSettings) -> AsyncIterator[FastAPI]:
    async with catalog_app.router.lifespan_context(catalog_app):
        yield catalog_app


@pytest.fixture
def service(app: FastAPI) -> Service[CatalogSettings]:
    """The one that the API uses."""
    connected: Service[CatalogSettings] = app.state.service
    return connected


@pytest.fixture
async def log_in(app: FastAPI, settings: CatalogSettings) -> AsyncIterator[LogIn]:
    """`log_in(account_id)`: that account's client; paths begin below `/api/v1`."""
    clients: list[AsyncClient] = []

    def client_of(account_id: UUID) -> AsyncClient:
        token = sign_access_token(settings, account_id, "user")
        headers = {"authorization": f"Bearer {token}"}
        client = AsyncClient(transport=ASGITransport(app), base_url="http://test/api/v1", headers=headers)
        clients.append(client)
        return client

    yield client_of
    for client in clients:
        await client.aclose()


@pytest.fixture
def owner_id() -> UUID:
    return uuid4()


@pytest.fixture
def client(log_in: LogIn, owner_id: UUID) -> AsyncClient:
    return log_in(owner_id)


@pytest.fixture
def stranger(log_in: LogIn) -> AsyncClient:
    return log_in(uuid4())
