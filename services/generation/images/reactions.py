"""What follows once a picture is visible."""

from typing import Any

from libs.common import variants
from libs.common.contracts.generation import ImageGenerated
from libs.common.database import Transaction
from libs.common.event_log import Recorded
from libs.common.reactions import reaction
from libs.common.service import Service


@reaction(ImageGenerated, "generation_variants")
async def make_variants(made: Recorded[ImageGenerated], tx: Transaction, service: Service[Any]) -> None:
    """The smaller copies beside the picture."""
    await variants.make(tx, service.objects, made.event.key)
