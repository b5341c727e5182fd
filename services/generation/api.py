"""Generation's API process: `uvicorn services.generation.api:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common import accounts
from libs.common.http import create_app
from libs.common.jobs.answers import answer_job_questions
from libs.common.service import Service
from services.generation.brands import routes as brands
from services.generation.cutouts import routes as cutouts
from services.generation.images import routes as images
from services.generation.models import routes as models
from services.generation.requests import routes as requests
from services.generation.requests.domain import generations
from services.generation.settings import GenerationSettings
from services.generation.store import definition
from services.generation.tryon import routes as tryon


@asynccontextmanager
async def answering(service: Service[GenerationSettings]) -> AsyncIterator[None]:
    """Answers what other services ask about this one's jobs."""
    await answer_job_questions(service, [generations], lambda generation: generation.job)
    yield


app = create_app(
    definition,
    [requests.routes, images.routes, brands.routes, tryon.routes, cutouts.routes, models.routes],
    running=answering,
    refused_accounts=accounts.deactivated,
)
