"""The specifications of a product: one stream, versions that only grow, exactly one of them active. Pure."""

from dataclasses import dataclass, field, replace
from typing import assert_never
from uuid import UUID, uuid5

from libs.common.contracts.analysis import SpecificationActivated, SpecificationCreated, SpecificationFacts
from libs.common.decider import Decider
from libs.common.errors import NotFound
from libs.common.messages import Command

NAMESPACE = UUID("0198b7a2-6c1e-7d33-9a54-3f0c5e8d2b17")


def stream_of(product_id: UUID) -> UUID:
    """The one specification stream of a product."""
    return uuid5(NAMESPACE, str(product_id))


class AddSpecification(SpecificationFacts, Command):
    """The first version becomes active even if `activate` is false: what has versions has an active one."""

    activate: bool = True


class ActivateSpecification(Command):
    owner_id: UUID
    specification_id: UUID


SpecificationCommand = AddSpecification | ActivateSpecification
SpecificationEvent = SpecificationCreated | SpecificationActivated


@dataclass(frozen=True, slots=True)
class Specifications:
    versions: dict[UUID, SpecificationCreated] = field(default_factory=dict)
    active_id: UUID | None = None

    @property
    def active(self) -> SpecificationCreated | None:
        return self.versions[self.active_id] if self.active_id else None


def decide(command: SpecificationCommand, known: Specifications) -> list[SpecificationEvent]:
    match command:
        case AddSpecification(specification_id=specification_id):
            return [] if specification_id in known.versions else _add(command, known)
        case ActivateSpecification(specification_id=specification_id, owner_id=owner_id):
            wanted = known.versions.get(specification_id)
            if wanted is None or wanted.owner_id != owner_id:
                raise NotFound("no such specification", code="specification_not_found")
            return [] if specification_id == known.active_id else [_activated(wanted)]
    assert_never(command)


def _add(command: AddSpecification, known: Specifications) -> list[SpecificationEvent]:
    facts = command.model_dump(exclude={"activate"})
    created = SpecificationCreated(**facts, version=len(known.versions) + 1)
    return [created, _activated(created)] if command.activate or known.active_id is None else [created]


def _activated(created: SpecificationCreated) -> SpecificationActivated:
    return SpecificationActivated(
        owner_id=created.owner_id,
        product_id=created.product_id,
        specification_id=created.specification_id,
        version=created.version,
        sha256=created.sha256,
    )


def evolve(known: Specifications, event: SpecificationEvent) -> Specifications:
    match event:
        case SpecificationCreated():
            return replace(known, versions={**known.versions, event.specification_id: event})
        case SpecificationActivated():
            return replace(known, active_id=event.specification_id)
    assert_never(event)


specifications: Decider[Specifications, SpecificationCommand, SpecificationEvent] = Decider(
    "specifications", Specifications(), decide, evolve
)
