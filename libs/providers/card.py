"""What is known of a provider before it is opened: its models, what each can do, and whether it can be asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from libs.providers.base import Capability, ImageProvider, TextProvider, VisionProvider

Provider = VisionProvider | TextProvider | ImageProvider
Tier = Literal["default", "quality", "cheap"]


@dataclass(frozen=True, slots=True)
class Model:
    """`aliases` are other names that clients send for it; `limits` is JSON, shown as it is."""

    name: str
    capabilities: frozenset[Capability]
    tier: Tier = "default"
    aliases: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)

    def answers_to(self, name: str) -> bool:
        """By its name or an alias, however that is spelt: `Nano Banana` is `nano-banana`."""
        return _plain(name) in map(_plain, (self.name, *self.aliases))


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Card:
    """A provider. The first of its models that offers a capability is the one that is asked by default."""

    name: str
    models: tuple[Model, ...]
    open: Callable[[], Provider]
    """Raises `ProviderError` (not_configured) if it cannot be opened."""
    unavailable: str | None = None
    """Why nobody can ask it here, such as a missing key."""
    deterministic: bool = False

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset().union(*(model.capabilities for model in self.models))

    def knows(self, name: str) -> bool:
        return any(model.answers_to(name) for model in self.models)

    def model_for(self, capability: Capability, wanted: str | None = None) -> Model | None:
        """The wanted model, by its name or an alias, or else the default; None if it does not offer that."""
        for model in self.models:
            if capability in model.capabilities and (wanted is None or model.answers_to(wanted)):
                return model
        return None
