"""One at a time, in turns: who asks for much does not keep those waiting who ask for little."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Hashable


class Turns:
    """A lock whose waiters are served one by one from everybody who asks."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        """In the order in which they are served; who was served goes to the end."""

    @contextlib.asynccontextmanager
    async def of(self, asker: Hashable) -> AsyncIterator[None]:
        """Waits until it is `asker`'s turn."""
        if self._taken:
            await self._turn(asker)
        self._taken = True
        try:
            yield
        finally:
            self._next(asker)

    async def _turn(self, asker: Hashable) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came at the same moment
                self._next(asker)
            raise

    def _next(self, last: Hashable) -> None:
        if last in self._waiting:
            self._waiting[last] = self._waiting.pop(last)
        while self._waiting:
            asker = next(iter(self._waiting))
            turn = self._waiting[asker].popleft()
            if not self._waiting[asker]:
                del self._waiting[asker]
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False
