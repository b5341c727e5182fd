"""Rate limits: a moving window per class of routes and caller, an account or an address."""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import ceil
from typing import Literal, Protocol, cast

from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from libs.common.errors import TooMany
from libs.common.settings import Settings

log = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]
LimitClass = Literal["auth", "upload", "process", "read", "write", "orders"]
PER_ADDRESS: frozenset[LimitClass] = frozenset({"auth", "orders"})
_KEYS = 50_000
_PATIENCE = 1.0
"""Seconds that a request waits for the shared store."""


@dataclass(frozen=True, slots=True)
class Window:
    """How a caller stands: `reset` is in how many seconds the oldest counted request is forgotten."""

    allowed: bool
    remaining: int
    reset: float


class Windows(Protocol):
    async def hit(self, key: str, limit: RateLimitItem) -> Window: ...


class LocalWindows:
    """In this process. The library's own memory store visits every key, in threads, on each hit."""

    def __init__(self) -> None:
        self._hits: dict[str, deque[float]] = {}

    async def hit(self, key: str, limit: RateLimitItem) -> Window:
        now, period = time.monotonic(), limit.get_expiry()
        hits = self._hits.get(key)
        if hits is None:
            if len(self._hits) >= _KEYS:
                self._forget(now - period)
            hits = self._hits[key] = deque()
        while hits and hits[0] <= now - period:
            hits.popleft()
        allowed = len(hits) < limit.amount
        if allowed:
            hits.append(now)
        return Window(allowed, limit.amount - len(hits), hits[0] + period - now)

    def _forget(self, before: float) -> None:
        """Drops who has been quiet; a flood of addresses makes everybody start anew, not memory run out."""
        self._hits = {key: hits for key, hits in self._hits.items() if hits and hits[-1] > before}
        if len(self._hits) >= _KEYS:
            self._hits.clear()


class SharedWindows:
    """In a store of the `limits` library that all replicas use, such as Redis; nobody is refused while it is away."""

    def __init__(self, url: str) -> None:
        storage = storage_from_string(
            f"async+{url}",
            wrap_exceptions=True,
            implementation="redispy",
            socket_connect_timeout=_PATIENCE,
            socket_timeout=_PATIENCE,
        )
        self._limiter = MovingWindowRateLimiter(cast(Storage, storage))

    async def hit(self, key: str, limit: RateLimitItem) -> Window:
        try:
            allowed = await self._limiter.hit(limit, key)
            stats = await self._limiter.get_window_stats(limit, key)
        except (StorageError, OSError) as error:
            log.warning("cannot count requests: %r", error)
            return Window(True, limit.amount, 0)
        return Window(allowed, stats.remaining, stats.reset_time - time.time())


class RateLimits:
    """The limits of this process' routes."""

    def __init__(self, settings: Settings) -> None:
        shared = settings.rate_limit_storage_url
        self._windows: Windows = SharedWindows(shared) if shared else LocalWindows()
        self._limits: dict[LimitClass, RateLimitItem] = {
            "auth": parse(settings.rate_limit_auth),
            "upload": parse(settings.rate_limit_upload),
            "process": parse(settings.rate_limit_process),
            "read": parse(settings.rate_limit_read),
            "write": parse(settings.rate_limit_write),
            "orders": parse(settings.rate_limit_orders),
        }
        self._enabled = settings.rate_limits_enabled

    async def count(self, kind: LimitClass, account: str | None, address: str, headers: Headers) -> None:
        """Counts a request, adding the caller's standing to the answer's `headers`; raises TooMany."""
        if not self._enabled:
            return
        limit = self._limits[kind]
        caller = address if account is None or kind in PER_ADDRESS else account
        window = await self._windows.hit(f"{kind}:{caller}", limit)
        headers.append((b"ratelimit-limit", b"%d" % limit.amount))
        headers.append((b"ratelimit-remaining", b"%d" % window.remaining))
        headers.append((b"ratelimit-reset", b"%d" % ceil(window.reset)))
        if not window.allowed:
            raise TooMany(f"at most {limit}", code="rate_limited", retry_after=ceil(window.reset))


def client_address(trusted: str) -> Callable[[str, bytes | None], str]:
    """Whose request it is: the nearest address in X-Forwarded-For that is none of the proxies in `trusted`.

    IPv6 addresses count by their /64, of which one caller may own every one.
    """
    networks = [ip_network(item.strip()) for item in trusted.split(",") if item.strip()]

    @lru_cache(maxsize=4096)
    def find(peer: str, forwarded_for: bytes | None) -> str:
        address = peer
        hops = forwarded_for.decode("latin-1").split(",") if forwarded_for else []
        while hops and any(_parsed(address) in network for network in networks):
            address = hops.pop().strip()
        parsed = _parsed(address)
        return str(ip_network(f"{parsed}/64", strict=False)) if isinstance(parsed, IPv6Address) else address

    return find


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None
