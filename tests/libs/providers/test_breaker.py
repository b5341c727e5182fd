"""A provider that fails again and again is left alone, and tried again by one call at a time."""

import pytest

from libs.providers.calls import Breaker
from libs.providers.errors import ErrorCode, ProviderError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("anna", most_failures=3, pause=30, clock=clock)


def fail(breaker: Breaker, times: int, code: ErrorCode = ErrorCode.UNAVAILABLE) -> None:
    for _ in range(times):
        breaker.check()
        breaker.note(code)


def may_ask(breaker: Breaker) -> bool:
    try:
        breaker.check()
    except ProviderError:
        return False
    return True


def test_after_so_many_failures_in_a_row_nobody_may_ask_and_is_told_for_how_long(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, 2)
    breaker.note(None)
    fail(breaker, 3)
    clock.now += 10
    with pytest.raises(ProviderError, match="anna has failed 3 times in a row") as error:
        breaker.check()
    assert (error.value.code, error.value.retry_after) == (ErrorCode.UNAVAILABLE, 20)


@pytest.mark.parametrize("code", [ErrorCode.REFUSED, ErrorCode.INVALID, ErrorCode.AUTH, ErrorCode.NO_IMAGE])
def test_failures_that_are_answers_do_not_count(breaker: Breaker, code: ErrorCode) -> None:
    fail(breaker, 10, code)
    assert may_ask(breaker)


def test_one_call_tries_and_after_its_success_all_may_ask(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3, ErrorCode.TIMEOUT)
    clock.now += 31
    assert may_ask(breaker)
    assert not may_ask(breaker), "another one waits for the first one's end"
    breaker.note(None)
    assert may_ask(breaker)
    assert may_ask(breaker)


def test_a_failed_try_leaves_it_alone_for_another_while(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 31
    fail(breaker, 1)
    clock.now += 29
    assert not may_ask(breaker)
    clock.now += 2
    assert may_ask(breaker)
