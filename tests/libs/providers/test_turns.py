"""Who comes next where only one can be served."""

import asyncio

from libs.providers.local.pool import ChildPool
from libs.providers.local.turns import Turns
from tests.libs.providers.test_local_provider import TINY


async def test_a_second_job_does_not_wait_for_the_whole_first_one() -> None:
    pool, served = ChildPool(2), []

    async def work(asker: str) -> None:
        await pool.run("defects", TINY, heavy=True, asker=asker)
        served.append(asker)

    try:
        await asyncio.gather(*map(work, "aaabb"))
    finally:
        await pool.aclose()
    assert "".join(served) == "ababa"


async def test_who_gives_up_waiting_is_passed_over() -> None:
    turns, served = Turns(), []

    async def work(asker: str) -> None:
        async with turns.of(asker):
            served.append(asker)

    async with turns.of("a"):
        tasks = [asyncio.create_task(work(asker)) for asker in "bc"]
        await asyncio.sleep(0)
        tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served == ["c"]


async def test_a_turn_that_comes_with_a_cancellation_is_passed_on() -> None:
    turns = Turns()
    async with turns.of("a"):
        waiting = asyncio.create_task(turns._turn("b"))
        await asyncio.sleep(0)
    waiting.cancel()  # its turn has come, and it has not run since
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1), turns.of("c"):
        pass
