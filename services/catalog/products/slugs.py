"""Slugs are unique in the installation: reserved in the transaction that uses them, not by a decision."""

import re
import unicodedata
from uuid import UUID

import sqlalchemy as sa

from libs.common.database import Transaction
from libs.common.errors import Conflict
from libs.common.sql import Statement

LENGTH = 200
NUMBERED = 50
ATTEMPTS = 3

_RESERVE_FIRST_FREE = Statement(
    sa.text("""
    INSERT INTO product_slugs (slug, product_id, owner_id)
    SELECT candidate, :product_id, :owner_id
    FROM unnest(CAST(:candidates AS text[])) WITH ORDINALITY AS c (candidate, rank)
    WHERE NOT EXISTS (SELECT FROM product_slugs s WHERE s.slug = candidate)
    ORDER BY rank LIMIT 1
    ON CONFLICT DO NOTHING RETURNING slug
    """)
)
_RELEASE_OTHERS = Statement(
    sa.text("DELETE FROM product_slugs WHERE product_id = :product_id AND slug != :slug")
)


async def reserve(tx: Transaction, slug: str, product_id: UUID, owner_id: UUID) -> None:
    """Raises Conflict (`slug_taken`)."""
    if await _first_free(tx, [slug], product_id, owner_id) is None:
        raise Conflict(f"the slug {slug} is taken: choose another", code="slug_taken")


async def reserve_for_title(tx: Transaction, title: str, product_id: UUID, owner_id: UUID) -> str:
    """The title's own, or the first free one of `-2`, `-3`…; with a part of the id where many compete."""
    base = from_title(title)
    candidates = [base, *(f"{base}-{number}" for number in range(2, NUMBERED + 1))]
    for _ in range(ATTEMPTS):
        if slug := await _first_free(tx, candidates, product_id, owner_id):
            return slug
    unique = f"{base}-{product_id.hex[-12:]}"
    await reserve(tx, unique, product_id, owner_id)
    return unique


async def move(tx: Transaction, slug: str, product_id: UUID, owner_id: UUID) -> None:
    """Reserves the product's new slug and frees its old one; raises Conflict (`slug_taken`)."""
    await reserve(tx, slug, product_id, owner_id)
    await tx.execute(_RELEASE_OTHERS(slug=slug, product_id=product_id))


async def _first_free(tx: Transaction, candidates: list[str], product_id: UUID, owner_id: UUID) -> str | None:
    found: str | None = await tx.fetchval(
        _RESERVE_FIRST_FREE(candidates=candidates, product_id=product_id, owner_id=owner_id)
    )
    return found


def from_title(title: str) -> str:
    """Accents go, everything else that is no Latin letter or digit becomes a hyphen."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LENGTH].rstrip("-") or "product"
