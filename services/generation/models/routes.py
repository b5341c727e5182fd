"""The models that can be asked for."""

from libs.common.http import Json, router
from services.generation.models.registry import ProvidersDep

routes = router("models")


@routes.get("/models")
async def list_models(providers: ProvidersDep) -> Json:
    """Every model with its limits and price, and per capability who is asked, best first. Needs no login."""
    return Json(providers.models())
