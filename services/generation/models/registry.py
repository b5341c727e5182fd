"""The providers of this installation, as far as the API needs them: to choose and to list, never to call."""

from typing import Annotated

from fastapi import Depends

from libs.common.http import ServiceDep
from libs.providers.chain import Providers


async def _providers(service: ServiceDep) -> Providers:
    return Providers.from_settings(service.settings.model_dump())


ProvidersDep = Annotated[Providers, Depends(_providers)]
