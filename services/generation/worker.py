"""Generation's worker process: `python -m services.generation.worker`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.service import Service
from libs.common.worker import run_worker
from libs.providers.chain import Providers
from services.generation.images.reactions import make_variants
from services.generation.requests.job import generation_job
from services.generation.settings import GenerationSettings
from services.generation.store import definition


def main() -> None:
    providers = Providers.from_settings(GenerationSettings())

    @asynccontextmanager
    async def closing_providers(_: Service[GenerationSettings]) -> AsyncIterator[None]:
        yield
        await providers.aclose()

    run_worker(
        definition, reactions=[make_variants], jobs=[generation_job(providers)], running=closing_providers
    )


if __name__ == "__main__":
    main()
