"""What catalog alone can tell, asked before a command is accepted."""

from uuid import UUID

from pydantic import BaseModel

from libs.common.bus import Bus
from libs.common.contracts.analysis import PinnedReference


class Product(BaseModel):
    """As catalog has it now; the primary photo comes first."""

    product_id: UUID
    title: str
    references: list[PinnedReference]


async def ask_product(bus: Bus, owner_id: UUID, product_id: UUID) -> Product:
    """Raises NotFound for a product that is deleted or somebody else's."""
    question = {"product_id": str(product_id), "owner_id": str(owner_id)}
    return Product.model_validate(await bus.ask("catalog", "product", question))
