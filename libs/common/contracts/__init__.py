"""The public events, declared once: their owners decide with them, their consumers read them. A contract.

Additive change keeps `schema_version`; a breaking one raises it, and both are published until nobody reads the old.
"""

from libs.common.messages import Event


class PublicEvent(Event):
    """Published to the service's JetStream stream, without its `Personal` fields."""

    public = True
