"""Commands ask, events tell. Both are plain immutable data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict
from uuid_utils.compat import uuid7

from libs.common.errors import Unavailable

T = TypeVar("T")
Data = dict[str, Any]
Cast = Callable[[Data], Data]
"""From an event's data in one version to its data in another; pure, and content without the personal fields."""


class PersonalMark:
    """Marks a field that is stored encrypted under its subject's key and never leaves the service."""


Personal = Annotated[T, PersonalMark()]
"""`Personal[str | None] = None` in an event: encrypted in the log with the key of the event's `owner_id`, absent
from the public event, `None` once the subject has been erased."""


class Command(BaseModel):
    """Something asked for; may be refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(BaseModel):
    """Something that happened; never changes.

    `event_name` is what is stored, so it outlives the class; a field added later needs a default, anything
    else needs a higher `schema_version` and an upcast. Unknown fields are ignored: during an upgrade an
    older process reads what a newer one wrote.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    event_name: ClassVar[str]
    schema_version: ClassVar[int] = 1
    upcasts: ClassVar[Mapping[int, Cast]] = {}
    """By version, from each older one to the next."""
    public: ClassVar[bool] = False
    also_as: ClassVar[Mapping[int, Cast]] = {}
    """Of a public event: older versions that somebody still reads, made of this one's data and published behind it."""

    @classmethod
    def upcast(cls, data: Data, version: int) -> Data:
        """Data of an older version as this one's. Raises Unavailable for a newer one: another process knows it."""
        if version > cls.schema_version:
            raise Unavailable(f"{cls.event_name} was written by a newer release", retry_after=1)
        for older in range(version, cls.schema_version):
            data = cls.upcasts[older](data)
        return data

    @classmethod
    @cache
    def personal_fields(cls) -> frozenset[str]:
        return frozenset(
            name
            for name, info in cls.model_fields.items()
            if any(isinstance(mark, PersonalMark) for mark in info.metadata)
        )


@dataclass(frozen=True, slots=True)
class Meta:
    """Why an event happened: the request it belongs to, the message that caused it, who asked, the trace."""

    correlation_id: str = field(default_factory=lambda: str(uuid7()))
    causation_id: str | None = None
    actor: str | None = None
    traceparent: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The members that are set, as stored beside each event."""
        pairs = {
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "actor": self.actor,
            "traceparent": self.traceparent,
        }
        return {name: value for name, value in pairs.items() if value is not None}

    def caused_by(self, message_id: str) -> "Meta":
        return replace(self, causation_id=message_id)
