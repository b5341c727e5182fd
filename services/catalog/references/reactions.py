"""What follows an upload."""

from typing import Any

from libs.common import variants
from libs.common.contracts.catalog import ReferenceUploaded
from libs.common.database import Transaction
from libs.common.event_log import Recorded
from libs.common.reactions import reaction
from libs.common.service import Service


@reaction(ReferenceUploaded, "catalog_variants")
async def make_variants(
    uploaded: Recorded[ReferenceUploaded], tx: Transaction, service: Service[Any]
) -> None:
    await variants.make(tx, service.objects, uploaded.event.key)
