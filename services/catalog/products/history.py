"""A product's past, told by its stream: what changed when by whom, and how it was at any moment."""

from datetime import UTC, datetime
from functools import reduce
from itertools import accumulate, pairwise
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from libs.common.contracts.catalog import ReferenceUploaded
from libs.common.errors import Invalid, NotFound
from libs.common.event_log import Recorded
from libs.common.http import Json, Paging, Timestamp
from libs.common.http.bodies import rfc3339
from libs.common.service import Service
from services.catalog.products.domain import Product, ProductChanges, evolve
from services.catalog.references.domain import ReferenceDetails
from services.catalog.references.references import image_of

Version = Annotated[int, Field(ge=1, lt=2**31)]
AsOf = Annotated[
    Annotated[Version | datetime, Field(union_mode="left_to_right")] | None,
    Query(description="a version, or a time (UTC unless it says otherwise)"),
]
History = list[Recorded[Any]]


class Change(BaseModel):
    """One field, before and after."""

    field: str
    old: Any
    new: Any


class HistoryEntry(BaseModel):
    """One event. `by` is who asked for it (`user:<id>`), `request_id` the request it was asked with."""

    version: int
    type: str
    at: Timestamp
    by: str | None
    request_id: str
    reference_id: UUID | None
    changes: list[Change]


async def load(service: Service[Any], product_id: UUID, owner_id: UUID) -> History:
    """Raises NotFound for a stranger's product; a deleted one still has its history."""
    async with service.db.pool.acquire() as con:
        events = await service.log.load(con, service.keys, product_id)
    if not events or events[0].event.owner_id != owner_id:
        raise NotFound("no such product", code="product_not_found")
    return events


def answer(events: History, page: Paging) -> Json:
    """The part of the history that is asked for; its cursors are versions."""
    states = accumulate((recorded.event for recorded in events), evolve, initial=Product())
    steps = list(zip(events, pairwise(states), strict=True))
    if page.descending:
        steps.reverse()
    start = page.offset if page.after is None else _start(steps, page)
    wanted = steps[start : start + page.limit]
    more = start + page.limit < len(steps)
    next_after = [wanted[-1][0].version] if more and page.form == "cursor" else None
    return page.answer([_entry(recorded, *states) for recorded, states in wanted], len(events), next_after)


def _start(steps: list[Any], page: Paging) -> int:
    """The place behind the version that the cursor holds."""
    versions = [recorded.version for recorded, _ in steps]
    if page.after is None or len(page.after) != 1 or page.after[0] not in versions:
        raise Invalid("not a cursor of this list: begin with an empty one", code="invalid_cursor")
    return versions.index(page.after[0]) + 1


def _entry(recorded: Recorded[Any], before: Product, after: Product) -> HistoryEntry:
    reference_id = getattr(recorded.event, "reference_id", None)
    old, new = _facts(before, reference_id), _facts(after, reference_id)
    fields = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return HistoryEntry(
        version=recorded.version,
        type=recorded.event.event_name,
        at=recorded.recorded_at,
        by=recorded.meta.actor,
        request_id=recorded.meta.correlation_id,
        reference_id=reference_id,
        changes=[Change(field=name, old=old.get(name), new=new.get(name)) for name in fields],
    )


def _facts(product: Product, reference_id: UUID | None) -> dict[str, Any]:
    """What the history shows of the product, or of one of its photos."""
    if reference_id is None:
        return {name: getattr(product, name) for name in (*ProductChanges.model_fields, "restorable_until")}
    for reference in product.references:
        if reference.photo.reference_id == reference_id:
            changeable = {name: getattr(reference, name) for name in ReferenceDetails.model_fields}
            return {"original_filename": reference.photo.original_filename, **changeable}
    return {}


def as_it_was(events: History, as_of: int | datetime) -> dict[str, Any] | None:
    """A row as the read model had it then, without variants; None when there was nothing to be seen."""
    past = [recorded for recorded in events if _had_happened(recorded, as_of)]
    product = reduce(evolve, (recorded.event for recorded in past), Product())
    if not past or product.deleted or (isinstance(as_of, int) and past[-1].version < as_of):
        return None
    return {
        "id": str(past[0].stream_id),
        **{name: getattr(product, name) for name in ProductChanges.model_fields},
        "is_active": product.status != "archived",
        "created_by": str(product.owner_id),
        "created_at": rfc3339(past[0].recorded_at),
        "updated_at": rfc3339(past[-1].recorded_at),
        "deleted_at": None,
        "version": past[-1].version,
        "images": _images(past, product),
    }


def _had_happened(recorded: Recorded[Any], as_of: int | datetime) -> bool:
    """Times are shown in milliseconds, so that is what they are compared in."""
    if isinstance(as_of, int):
        return recorded.version <= as_of
    shown = recorded.recorded_at.replace(microsecond=recorded.recorded_at.microsecond // 1000 * 1000)
    return shown <= (as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC))


def _images(past: History, product: Product) -> list[dict[str, Any]]:
    uploads = {r.event.reference_id: r.recorded_at for r in past if isinstance(r.event, ReferenceUploaded)}
    shown = sorted(
        product.references, key=lambda reference: (not reference.is_primary, reference.display_order)
    )
    return [
        image_of(past[0].stream_id, past[0].event.owner_id, reference, uploads[reference.photo.reference_id])
        for reference in shown
    ]
