"""Child processes for CPU-heavy work: started when needed, replaced when one dies, killed when nobody waits.

Not `ProcessPoolExecutor`: its children import the parent's main module, outlive a killed parent, and cannot
be stopped for a cancelled job. Here a child is a plain process that reads tasks from a pipe and ends with it.
"""

import asyncio
import contextlib
import os
import pickle
import struct
import sys
from collections.abc import Hashable
from typing import Any, Self, cast

from libs.providers.deadline import queued
from libs.providers.local.turns import Turns

CHILD_MODULE = "libs.providers.local.child"
LENGTH = struct.Struct(">Q")


class ChildDied(Exception):
    """A child was killed or ran out of memory while it had this task; the task may be tried again."""


class TaskFailed(Exception):
    """A fault in the task itself: its summary and its traceback."""

    def __init__(self, summary: str, traceback: str) -> None:
        super().__init__(summary, traceback)
        self.summary, self.traceback = summary, traceback


class ChildPool:
    """Runs functions of `libs.providers.local.tasks` by name, `size` at a time."""

    def __init__(self, size: int) -> None:
        self._slots = asyncio.Semaphore(size)
        self._heavy = Turns()
        self._idle: list[_Child] = []

    async def run(self, function: str, *args: Any, heavy: bool = False, asker: Hashable = None) -> Any:
        """Arguments and result are pickled; what the function raises is raised here.

        `heavy` tasks (hundreds of megabytes each) run one at a time, those of all askers in turns.
        Cancelling kills the child.
        """
        async with contextlib.AsyncExitStack() as turn:
            with queued():
                if heavy:
                    await turn.enter_async_context(self._heavy.of(asker))
                await turn.enter_async_context(self._slots)
            child = await self._take()
            try:
                succeeded, answer = await child.call(function, args)
            except BaseException:
                await child.kill()
                raise
            self._idle.append(child)
        if not succeeded:
            raise answer
        return answer

    async def _take(self) -> "_Child":
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
        return await _Child.start()

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().kill()


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._tasks = cast(asyncio.StreamWriter, process.stdin)
        self._answers = cast(asyncio.StreamReader, process.stdout)

    @classmethod
    async def start(cls) -> Self:
        # One thread per child: the pool already has a child per processor.
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", CHILD_MODULE)
        return cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment))

    @property
    def alive(self) -> bool:
        try:  # the kernel knows before the event loop does, of a child too that nobody has waited for yet
            over = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return over is None and not self._answers.at_eof()

    async def call(self, function: str, args: tuple[Any, ...]) -> tuple[bool, Any]:
        """Whether it succeeded, and its result or its exception."""
        task = pickle.dumps((function, args), protocol=pickle.HIGHEST_PROTOCOL)
        try:
            self._tasks.write(LENGTH.pack(len(task)))
            self._tasks.write(task)
            await self._tasks.drain()
            (length,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
            answer: tuple[bool, Any] = pickle.loads(await self._answers.readexactly(length))  # noqa: S301 our child
        except (OSError, asyncio.IncompleteReadError) as error:
            raise ChildDied(f"a child process died during {function}") from error
        return answer

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._tasks.close()
        await self._process.wait()
