"""What a child process of `ChildPool` runs: tasks from standard input, answers to standard output."""

import os
import pickle
import signal
import sys
import traceback
from typing import Any, BinaryIO

import cv2

from libs.common.errors import DomainError
from libs.providers.errors import ProviderError
from libs.providers.local import tasks
from libs.providers.local.pool import LENGTH, TaskFailed

NICENESS = 5  # requests and the log come before pictures


def main() -> None:
    # Ctrl-C reaches the whole process group; the parent finishes its work first, then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    cv2.setNumThreads(1)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between the answers
    while (task := _read(sys.stdin.buffer)) is not None:
        answer = pickle.dumps(_perform(*task), protocol=pickle.HIGHEST_PROTOCOL)
        answers.write(LENGTH.pack(len(answer)))
        answers.write(answer)
        answers.flush()


def _read(tasks_in: BinaryIO) -> tuple[str, tuple[Any, ...]] | None:
    header = tasks_in.read(LENGTH.size)
    if len(header) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(header)
    task = tasks_in.read(length)
    return pickle.loads(task) if len(task) == length else None  # noqa: S301 our parent


def _perform(function: str, args: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, getattr(tasks, function)(*args)
    except (DomainError, ProviderError) as error:
        return False, error
    except Exception as error:
        return False, TaskFailed(f"{type(error).__name__}: {error}", traceback.format_exc())


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the parent is gone
        os._exit(1)
