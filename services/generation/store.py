"""What generation stores: its event types and read models, listed."""

from libs.common import accounts
from libs.common.contracts.generation import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationRequested,
    GenerationStarted,
    ImageGenerated,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
    PromptsWritten,
)
from libs.common.event_log import EventLog
from libs.common.service import Definition
from libs.refs import products as refs
from services.generation.brands import assets, projects
from services.generation.brands.domain import BrandProjectCreated
from services.generation.images import gallery
from services.generation.images.domain import ImageAnnotated, ImageDeleted, ImageRestored
from services.generation.requests import generation_requests
from services.generation.settings import GenerationSettings

log = EventLog(
    "generation",
    types=[
        BrandProjectCreated,
        GenerationRequested,
        PromptsWritten,
        GenerationStarted,
        GenerationCompleted,
        GenerationFailed,
        GenerationCancelled,
        ImageGenerated,
        ImageAnnotated,
        ImageDeleted,
        ImageRestored,
        JobQueued,
        JobStarted,
        JobProgressed,
        JobFinished,
    ],
    read_models=[
        generation_requests.read_model,
        gallery.read_model,
        projects.read_model,
        assets.read_model,
        refs.read_model,
        accounts.read_model("auth"),
    ],
)
definition = Definition("generation", GenerationSettings, log)
