"""The pure core of a stream (after emmett's `Decider`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from libs.common.messages import Command, Event

S = TypeVar("S")
C = TypeVar("C", bound=Command)
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Decider(Generic[S, C, E]):
    """`decide` may refuse by raising a domain error, and returns `[]` for what is done; `evolve` never fails."""

    stream_type: str
    initial: S
    decide: Callable[[C, S], list[E]]
    evolve: Callable[[S, E], S]
