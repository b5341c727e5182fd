from collections.abc import Callable
from contextlib import closing
from socket import socket

import pytest
from limits import parse
from limits.aio.storage import MemoryStorage

from libs.common.http.rate_limits import LocalWindows, SharedWindows, Windows, client_address
from tests.libs.common.http.conftest import ALICE, BOB, OpenClient


async def test_a_caller_is_told_where_it_stands_and_when_to_come_back(open_client: OpenClient) -> None:
    async with open_client(account=ALICE, rate_limits_enabled=True, rate_limit_read="2/minute") as client:
        answers = [await client.get("/counters") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"2"}
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limited"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]


async def test_each_class_and_each_account_has_its_own_limit(
    open_client: OpenClient, token: Callable[..., str]
) -> None:
    limits = {"rate_limit_read": "1/minute", "rate_limit_write": "1/minute"}
    async with open_client(account=ALICE, rate_limits_enabled=True, **limits) as client:
        assert (await client.get("/counters")).status_code == 200
        assert (await client.get("/counters")).status_code == 429
        assert (await client.post("/counters", json={"amount": 1})).status_code == 201
        bob = {"authorization": f"Bearer {token(BOB)}"}
        assert (await client.get("/counters", headers=bob)).status_code == 200


async def test_logins_count_by_address_whoever_calls(open_client: OpenClient) -> None:
    async with open_client(account=ALICE, rate_limits_enabled=True, rate_limit_auth="1/minute") as client:
        first = await client.post("/login", json={}, headers={"x-forwarded-for": "203.0.113.1"})
        again = await client.post("/login", json={}, headers={"x-forwarded-for": "203.0.113.1"})
        other = await client.post("/login", json={}, headers={"x-forwarded-for": "203.0.113.2"})
    assert (first.status_code, again.status_code, other.status_code) == (200, 429, 200)


async def test_a_refused_request_counts_too(open_client: OpenClient) -> None:
    async with open_client(rate_limits_enabled=True, rate_limit_read="1/minute") as client:
        assert (await client.get("/counters")).status_code == 401
        assert (await client.get("/counters")).status_code == 429


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", b"198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", b"198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", b"198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", b"203.0.113.9, 10.1.2.3, 127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", b"", "127.0.0.1"),
        ("127.0.0.1", b"nonsense", "nonsense"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("", None, ""),
    ],
)
def test_only_proxies_of_ours_say_whose_request_it_is(
    peer: str, forwarded_for: bytes | None, address: str
) -> None:
    assert client_address("127.0.0.0/8, ::1/128, 10.0.0.0/8")(peer, forwarded_for) == address


class Clock:
    """Stands still until it is moved."""

    now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Ours and the library's."""
    clock = Clock()
    for module in ("libs.common.http.rate_limits", "limits.aio.storage.memory"):
        monkeypatch.setattr(f"{module}.time", clock)
    return clock


@pytest.fixture(params=["local", "shared"])
def windows(request: pytest.FixtureRequest, clock: Clock) -> Windows:
    return LocalWindows() if request.param == "local" else SharedWindows("memory://")


async def test_a_window_moves(windows: Windows, clock: Clock) -> None:
    limit = parse("3/second")
    standing = [await windows.hit("a", limit) for _ in range(4)]
    assert [window.allowed for window in standing] == [True, True, True, False]
    assert [window.remaining for window in standing] == [2, 1, 0, 0]
    assert 0 < standing[-1].reset <= 1
    assert (await windows.hit("b", limit)).allowed
    clock.now += 0.9
    assert not (await windows.hit("a", limit)).allowed
    clock.now += 0.2
    assert (await windows.hit("a", limit)).allowed


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> LocalWindows:
    monkeypatch.setattr("libs.common.http.rate_limits._KEYS", 100)
    return LocalWindows()


async def test_a_flood_of_addresses_does_not_fill_the_memory(crowded: LocalWindows) -> None:
    for number in range(1000):
        assert (await crowded.hit(str(number), parse("1/minute"))).allowed
    assert len(crowded._hits) <= 100


class LostStorage(MemoryStorage):
    """A server that went away."""

    STORAGE_SCHEME = ["async+lost"]  # noqa: RUF012 -- how the library finds it

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        raise ConnectionError("gone")


async def test_without_an_answer_from_redis_nobody_is_refused() -> None:
    with closing(socket()) as closed:
        closed.bind(("127.0.0.1", 0))
        windows = SharedWindows("redis://{}:{}".format(*closed.getsockname()))
        assert [(await windows.hit("a", parse("1/minute"))).allowed for _ in range(3)] == [True, True, True]


async def test_while_the_shared_store_is_away_nobody_is_refused(open_client: OpenClient) -> None:
    changed = {"rate_limit_storage_url": "lost://", "rate_limit_read": "1/minute"}
    async with open_client(account=ALICE, rate_limits_enabled=True, **changed) as client:
        assert [(await client.get("/counters")).status_code for _ in range(3)] == [200, 200, 200]
