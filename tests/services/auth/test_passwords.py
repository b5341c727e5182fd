"""Password hashes as they are stored, at their real cost."""

from hashlib import pbkdf2_hmac
from statistics import median
from time import perf_counter

import bcrypt
import pytest
from httpx import AsyncClient

from services.auth import passwords
from tests.services.auth.conftest import register

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap_passwords() -> None:
    """Not here."""


async def test_a_password_is_verified_and_another_is_not() -> None:
    stored = await passwords.hash_password(PASSWORD)
    assert stored.startswith("bcrypt-sha256:$2b$12$")
    assert await passwords.verify(PASSWORD, stored)
    assert not await passwords.verify(PASSWORD + "!", stored)
    assert not passwords.outdated(stored)


async def test_what_comes_after_72_bytes_counts() -> None:
    stored = await passwords.hash_password("x" * 100)
    assert not await passwords.verify("x" * 99, stored)


@pytest.mark.parametrize(
    "stored",
    [
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode(),
        "pbkdf2:sha256:260000$c2FsdA$" + pbkdf2_hmac("sha256", PASSWORD.encode(), b"c2FsdA", 260_000).hex(),
    ],
    ids=["bcrypt-2b", "bcrypt-2a", "pbkdf2"],
)
async def test_hashes_of_earlier_systems_are_verified_and_outdated(stored: str) -> None:
    assert await passwords.verify(PASSWORD, stored)
    assert not await passwords.verify("x" * 100, stored)
    assert passwords.outdated(stored)


async def test_nobody_knows_the_password_of_an_account_that_does_not_exist() -> None:
    assert not await passwords.verify(PASSWORD, None)


async def test_a_hash_of_another_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        await passwords.verify(PASSWORD, "md5:5f4dcc3b5aa765d61d8327deb882cf99")


async def test_a_wrong_password_and_an_unknown_name_take_the_same_time(client: AsyncClient) -> None:
    ada = await register(client)

    async def seconds(email: str) -> float:
        start = perf_counter()
        await client.post("/auth/login", json={"email": email, "password": "wrong password"})
        return perf_counter() - start

    pairs = [(await seconds(ada.email), await seconds("nobody@example.com")) for _ in range(5)]
    ratio = median(known for known, _ in pairs) / median(unknown for _, unknown in pairs)
    assert 1 / 10 < ratio < 10  # without the work for unknown names it is a hundred
