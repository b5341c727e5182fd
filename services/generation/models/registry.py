"""The providers of this installation, as far as the API needs them: to choose and to list, never to call."""

from typing import Annotated

from fastapi import Depends

from libs.common.http import ServiceDep
from libs.providers.directory import Directory


async def _directory(service: ServiceDep) -> Directory:
    return Directory.from_settings(service.settings)


DirectoryDep = Annotated[Directory, Depends(_directory)]
