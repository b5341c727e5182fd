"""Child processes for CPU-heavy work: started at the first task, replaced when one dies."""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

T = TypeVar("T")


class PoolBroken(Exception):
    """A child died (killed, or out of memory) while this task was running or waiting; it may be tried again."""


class ChildPool:
    """Runs importable functions of `module` in children that have imported nothing of the parent's but it."""

    def __init__(self, module: str, processes: int) -> None:
        self._module = module
        self._processes = processes
        self._executor: ProcessPoolExecutor | None = None
        self._heavy = asyncio.Semaphore(1)

    async def run(self, function: Callable[..., T], *args: Any, heavy: bool = False) -> T:
        """Arguments and result are pickled. `heavy` tasks (hundreds of megabytes each) run one at a time."""
        if heavy:
            async with self._heavy:
                return await self._run(function, *args)
        return await self._run(function, *args)

    async def _run(self, function: Callable[..., T], *args: Any) -> T:
        executor = self._executor = self._executor or self._start()
        try:
            return await asyncio.wrap_future(executor.submit(function, *args))
        except BrokenProcessPool as error:
            if self._executor is executor:
                self._executor = None
            executor.shutdown(wait=False)
            raise PoolBroken("a child process died") from error

    def _start(self) -> ProcessPoolExecutor:
        # A fork server starts children without the parent's threads, sockets and event loop, and imports the
        # module once for all of them.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([self._module])
        return ProcessPoolExecutor(self._processes, mp_context=context, initializer=_follow_parent)

    async def aclose(self) -> None:
        if self._executor is not None:
            executor, self._executor = self._executor, None
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)


def _follow_parent() -> None:
    """A child of a killed parent would wait for tasks for ever: it leaves as soon as the parent is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def leave() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=leave, daemon=True, name="follow-parent").start()
