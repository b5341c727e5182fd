"""given(events).when(command).then(events) for any Decider; no database, no mocks."""

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import pytest

from libs.common.decider import Decider
from libs.common.errors import DomainError
from libs.common.messages import Command, Event


@dataclass(frozen=True)
class Spec:
    decider: Decider[Any, Any, Any]
    history: tuple[Event, ...] = ()
    command: Command | None = None

    def given(self, *events: Event) -> "Spec":
        return replace(self, history=events)

    def when(self, command: Command) -> "Spec":
        return replace(self, command=command)

    def then(self, *events: Event) -> None:
        assert self._decide() == list(events)

    def then_refused(self, error: type[DomainError], code: str | None = None) -> None:
        with pytest.raises(error) as refusal:
            self._decide()
        assert code is None or refusal.value.code == code

    def _decide(self) -> list[Event]:
        state = reduce(self.decider.evolve, self.history, self.decider.initial)
        return self.decider.decide(self.command, state)
