"""What other services ask about specifications, over NATS request/reply."""

from typing import Any
from uuid import UUID

import asyncpg

from libs.common.errors import Conflict
from libs.common.service import Service
from services.analysis.specifications import versions

_TOLD = (
    "specification_id",
    "version",
    "sha256",
    "yaml_content",
    "key",
    "is_active",
    "source",
    "job_id",
    "provider",
    "analysis_model",
    "change_notes",
    "created_at",
)


async def answer_questions(service: Service[Any]) -> None:
    """`specification` {product_id, owner_id, specification_id?, version?}: what a generation pins.

    The active one by default, or Conflict (`no_active_specification`); NotFound for one that there is not.
    """

    async def specification(question: dict[str, Any]) -> dict[str, Any]:
        row = await _wanted(service, question)
        return {name: row[name] for name in _TOLD}

    await service.bus.answer(service.name, "specification", specification)


async def _wanted(service: Service[Any], question: dict[str, Any]) -> asyncpg.Record:
    owner_id, product_id = UUID(question["owner_id"]), UUID(question["product_id"])
    reference: UUID | int | None = question.get("version")
    if specification_id := question.get("specification_id"):
        reference = UUID(specification_id)
    if reference is not None:
        return await versions.find(service.db, owner_id, product_id, reference)
    row = await service.db.fetchrow(versions.active(product_id=product_id, owner_id=owner_id))
    if row is None:
        raise Conflict(
            "the product has no active specification: analyse it first", code="no_active_specification"
        )
    return row
