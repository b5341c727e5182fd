"""What a client may ask of a removal, and what it gets to see."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form
from pydantic import BaseModel

from services.generation.images.bodies import ImageBody
from services.generation.requests.bodies import Links, Name

Subject = Literal["product", "person"]


@dataclass(frozen=True, slots=True)
class Wanted:
    subject: Subject
    provider: str | None
    model: str | None
    fallback: bool
    dry_run: bool


async def wanted(
    subject: Annotated[Subject, Form(description="what is to stay")] = "product",
    provider: Annotated[Name | None, Form()] = None,
    model: Annotated[Name | None, Form()] = None,
    fallback: Annotated[bool, Form()] = True,
    dry_run: Annotated[bool, Form(description="only say what it would cost")] = False,
) -> Wanted:
    return Wanted(subject, provider, model, fallback, dry_run)


class CutoutBody(BaseModel):
    """`image_url` is a PNG with transparency; `confidence` in its outline is null where none is told."""

    request_id: UUID
    job_id: UUID
    status: Literal["completed"]
    image_url: str
    image: ImageBody
    confidence: float | None
    warnings: list[str]
    links: Links
