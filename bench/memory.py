"""What an idle process holds: resident memory of each service process, its pool's children apart."""

import psutil

from bench.harness import check
from bench.system import whole
from deploy.local import services

API_LIMIT, WORKER_LIMIT = 160, 200


async def main() -> bool:
    async with whole() as stack:
        print("\nidle memory (resident, MB)")
        met = [
            check(name, psutil.Process(stack.pid_of(name)).memory_info().rss / 2**20, "MB", limit)
            for names, limit in ((services.api_names(), API_LIMIT), (services.worker_names(), WORKER_LIMIT))
            for name in names
        ]
    return all(met)
