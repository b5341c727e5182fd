"""Analysis' worker process: `python -m services.analysis.worker`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.service import Service
from libs.common.worker import run_worker
from libs.providers.chain import Providers
from services.analysis.analyses.job import analysis_job
from services.analysis.jobs.follow import announce
from services.analysis.settings import AnalysisSettings
from services.analysis.store import definition


def main() -> None:
    providers = Providers.from_settings(AnalysisSettings())

    @asynccontextmanager
    async def closing_providers(_: Service[AnalysisSettings]) -> AsyncIterator[None]:
        yield
        await providers.aclose()

    run_worker(
        definition, jobs=[analysis_job(providers)], on_applied={"jobs": announce}, running=closing_providers
    )


if __name__ == "__main__":
    main()
