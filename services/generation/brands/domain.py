"""A brand that somebody wants logos for: its brief, and the pictures they like. Pure."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.generation import BrandBrief
from libs.common.decider import Decider
from libs.common.messages import Command, Event


class Inspiration(BaseModel):
    """A picture that its owner likes, as it lies in the object store."""

    reference_id: UUID
    key: str
    sha256: str
    content_type: str
    original_filename: str
    file_size_bytes: int
    width: int
    height: int


class CreateProject(Command):
    """`request_id` is the generation of its first logos."""

    owner_id: UUID
    brief: BrandBrief
    inspiration: list[Inspiration]
    request_id: UUID


class BrandProjectCreated(Event):
    event_name = "generation.brand_project_created"
    owner_id: UUID
    brief: BrandBrief
    inspiration: list[Inspiration]
    request_id: UUID


@dataclass(frozen=True, slots=True)
class Project:
    owner_id: UUID | None = None


def decide(command: CreateProject, project: Project) -> list[BrandProjectCreated]:
    return [] if project.owner_id else [BrandProjectCreated.model_validate(command.model_dump())]


def evolve(project: Project, event: BrandProjectCreated) -> Project:
    return Project(event.owner_id)


projects: Decider[Project, CreateProject, BrandProjectCreated] = Decider(
    "brand_project", Project(), decide, evolve
)
