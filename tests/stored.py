"""Frozen samples of stored events: one file per event and version, such as `product_created.v1.json`.

With a field that came later there is one more, such as `generation_failed.v1+failures.json`; the first one stays.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.common.event_log import EventLog
from libs.common.messages import Event


def versions_of(log: EventLog) -> set[str]:
    """The samples that there must be: every version of every event, named as its file."""
    return {
        f"{name.removeprefix(f'{log.schema}.')}.v{n}"
        for name, kind in log.types.items()
        for n in range(1, kind.schema_version + 1)
    }


def read(log: EventLog, sample: Path, keys: Mapping[UUID, AESGCM] | None = None) -> Event:
    """The sample as today's code reads it from the log."""
    name, version = sample.stem.partition("+")[0].split(".v")
    row = {
        "pos": 1,
        "event_id": UUID(int=1),
        "stream_id": UUID(int=2),
        "stream_type": "sample",
        "version": 1,
        "recorded_at": datetime(2026, 1, 18, tzinfo=UTC),
        "type": f"{log.schema}.{name}",
        "schema_ver": int(version),
        "data": json.loads(sample.read_text()),
        "meta": {"correlation_id": "c"},
    }
    event: Event = log.decode(row, dict(keys or {})).event
    return event


def without_later_fields(understood: Any, stored: Any) -> Any:
    """What is understood of a sample, without what it could not say when it was stored."""
    if isinstance(stored, dict):
        return {name: without_later_fields(understood[name], value) for name, value in stored.items()}
    if isinstance(stored, list):
        return [without_later_fields(*pair) for pair in zip(understood, stored, strict=True)]
    return understood
