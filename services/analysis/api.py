"""Analysis' API process: `uvicorn services.analysis.api:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common import accounts
from libs.common.http import create_app
from libs.common.jobs.answers import answer_job_questions
from libs.common.service import Service
from services.analysis.analyses import routes as analyses
from services.analysis.analyses.domain import analyses as analysis_streams
from services.analysis.jobs import routes as jobs
from services.analysis.jobs import websocket
from services.analysis.settings import AnalysisSettings
from services.analysis.specifications import routes as specifications
from services.analysis.specifications.questions import answer_questions
from services.analysis.store import definition


@asynccontextmanager
async def answering(service: Service[AnalysisSettings]) -> AsyncIterator[None]:
    """Answers what other services ask about specifications and about this one's jobs."""
    await answer_questions(service)
    await answer_job_questions(service, [analysis_streams], lambda analysis: analysis.job)
    yield


app = create_app(
    definition,
    [analyses.routes, specifications.routes, jobs.routes, websocket.routes],
    running=answering,
    refused_accounts=accounts.deactivated,
)
