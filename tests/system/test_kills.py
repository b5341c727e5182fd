"""`kill -9` of every single process, servers included, one after another while main jobs run."""

import asyncio
import random

import pytest

from deploy.local.stack import Stack
from tests.system.client import Client
from tests.system.proof import assert_sound


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("jobs", "every", "pause"), [(6, 3, 1.0), pytest.param(50, 1, 8.0, marks=pytest.mark.faults)]
)
async def test_every_accepted_request_has_exactly_one_result(
    jobs: int, every: int, pause: float, client: Client, system: Stack
) -> None:
    """`pause` spreads the kills over all stages of the jobs; a random moment is the point of it."""
    victims = system.names[::every]
    random.shuffle(victims)
    accepting = [asyncio.create_task(client.main_job(seed)) for seed in range(jobs)]
    for victim in victims:
        await asyncio.sleep(random.uniform(0.5, 1.5) * pause)
        await asyncio.to_thread(system.kill, victim)
    accepted = await asyncio.gather(*accepting)
    for job in accepted:
        await job.assert_exactly_one_result(client)
    await asyncio.to_thread(system.wait_ready)
    await assert_sound(system)
    assert set(client.answers) <= {200, 201, 202, 502, 503, 504}
