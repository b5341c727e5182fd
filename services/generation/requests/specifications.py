"""What analysis alone can tell, asked before a command is accepted."""

from typing import Any
from uuid import UUID

from libs.common.bus import Bus
from libs.common.contracts.generation import PinnedSpecification


class Specification(PinnedSpecification):
    """As analysis has it; its versions never change."""

    yaml_content: str


async def ask_specification(
    bus: Bus,
    owner_id: UUID,
    product_id: UUID,
    *,
    specification_id: UUID | None = None,
    version: int | None = None,
) -> Specification:
    """The active one by default. Raises Conflict (no_active_specification) and NotFound."""
    question: dict[str, Any] = {"product_id": str(product_id), "owner_id": str(owner_id)}
    if specification_id:
        question["specification_id"] = str(specification_id)
    elif version:
        question["version"] = version
    return Specification.model_validate(await bus.ask("analysis", "specification", question))
