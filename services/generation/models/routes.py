"""The models that can be asked for."""

from libs.common.http import Json, router
from services.generation.models.registry import DirectoryDep

routes = router("models")


@routes.get("/models")
async def list_models(directory: DirectoryDep) -> Json:
    """Every model with its limits and price, and per capability who is asked, best first. Needs no login."""
    return Json(directory.models())
