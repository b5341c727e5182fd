"""How the services are run: the `vitrine` command, the embedded stack, the gateway."""

from typing import Literal, get_args

ServiceName = Literal["auth", "catalog", "analysis", "generation"]
SERVICES: tuple[str, ...] = get_args(ServiceName)
