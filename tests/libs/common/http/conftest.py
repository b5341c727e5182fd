from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from deploy.local.stack import Stack
from libs.common.http import create_app
from libs.common.settings import Settings
from libs.common.tokens import sign_access_token
from tests.libs.common.http.counter_api import COUNTERS, routes

ALICE, BOB = UUID(int=1), UUID(int=2)
OpenClient = Callable[..., Any]


@pytest.fixture(scope="session")
def private_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def variables(
    stack: Stack, service_env: Callable[[str], dict[str, str]], scratch_url: str, nats: str, private_key: str
) -> dict[str, Any]:
    """The settings of a service that lives in `scratch` and signs its own tokens."""
    env = service_env("catalog")
    kept = ("MASTER_KEY", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET", "PUBLIC_URL")
    own = {"database_url": scratch_url, "nats_url": nats, "jwt_private_key": private_key, "jwks_url": None}
    return {name.lower(): env[name] for name in kept} | own | {"rate_limits_enabled": False}


@pytest.fixture
def token(variables: dict[str, Any]) -> Callable[..., str]:
    """`token(ALICE, role="admin")`"""

    def sign(account_id: UUID, role: str = "user", **changed: Any) -> str:
        return sign_access_token(Settings(**(variables | changed)), account_id, role)

    return sign


@pytest.fixture
def open_client(variables: dict[str, Any], token: Callable[..., str]) -> OpenClient:
    """`async with open_client(account=ALICE, rate_limits_enabled=True) as client`: an app of its own."""

    @asynccontextmanager
    async def connect(
        app: FastAPI | None = None, account: UUID | None = None, **changed: Any
    ) -> AsyncIterator[AsyncClient]:
        async with AsyncExitStack() as opened:
            if app is None:
                app = create_app(COUNTERS, [routes], **(variables | changed))
                await opened.enter_async_context(app.router.lifespan_context(app))
            headers = {"authorization": f"Bearer {token(account)}"} if account else {}
            transport = ASGITransport(app)
            yield await opened.enter_async_context(
                AsyncClient(transport=transport, base_url="http://test/api/v1", headers=headers)
            )

    return connect


@pytest.fixture
async def client(open_client: OpenClient) -> AsyncIterator[AsyncClient]:
    """Alice's."""
    async with open_client(account=ALICE) as client:
        yield client


@pytest.fixture
async def stranger(open_client: OpenClient) -> AsyncIterator[AsyncClient]:
    """Nobody in particular."""
    async with open_client() as client:
        yield client
