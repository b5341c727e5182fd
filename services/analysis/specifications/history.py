"""Which specification a product had at any moment, told by its stream."""

from datetime import UTC, datetime
from functools import reduce
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Query
from pydantic import Field

from libs.common.event_log import Recorded
from libs.common.service import Service
from services.analysis.specifications import versions
from services.analysis.specifications.domain import Specifications, evolve, stream_of

StreamVersion = Annotated[int, Field(ge=1, lt=2**31)]
AsOf = Annotated[
    Annotated[StreamVersion | datetime, Field(union_mode="left_to_right")] | None,
    Query(description="an ETag's number, or a time (UTC unless it says otherwise)"),
]


async def active_at(
    service: Service[Any], owner_id: UUID, product_id: UUID, moment: int | datetime
) -> asyncpg.Record | None:
    """The version that was active then, as if it still were."""
    async with service.db.pool.acquire() as con:
        events = await service.log.load(con, service.keys, stream_of(product_id))
    then = (recorded.event for recorded in events if _is_by(recorded, moment))
    active_id = reduce(evolve, then, Specifications()).active_id
    if active_id is None:
        return None
    return await service.db.fetchrow(
        versions.active_then(specification_id=active_id, product_id=product_id, owner_id=owner_id)
    )


def _is_by(recorded: Recorded[Any], moment: int | datetime) -> bool:
    if isinstance(moment, int):
        return recorded.version <= moment
    return recorded.recorded_at <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
