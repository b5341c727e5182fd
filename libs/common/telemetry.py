"""One trace from the HTTP request through the log, NATS and the worker to the provider call.

Every process passes W3C `traceparent` on. Spans are exported (OTLP over HTTP) only where
`OTEL_EXPORTER_OTLP_ENDPOINT` is set; elsewhere a span costs a random number.
"""

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Literal, Protocol

Kind = Literal["internal", "server", "client", "producer", "consumer"]

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar["Span | None"] = ContextVar("span", default=None)
_recorder: "Recorder | None" = None


class Recorder(Protocol):
    """Where finished spans go; `libs.common.span_export` has the one that exports them."""

    def samples(self, trace_id: str, name: str) -> bool: ...
    def record(self, span: "Span", error: BaseException | None) -> None: ...


class Span:
    """A step of a trace, current inside its `with` block."""

    __slots__ = ("_token", "attributes", "began", "kind", "log_fields", "name", "parent", "traceparent")

    def __init__(self, name: str, kind: Kind, parent: str | None, attributes: dict[str, Any]) -> None:
        outer = _current.get()
        self.name = name
        """May be set inside the block, to what is known only then, such as a request's route."""
        self.kind = kind
        self.attributes = attributes
        self.log_fields: dict[str, Any] = outer.log_fields if outer else {}
        """Added to every log line inside the block; inherited by the spans within."""
        known = parent if parent and _TRACEPARENT.fullmatch(parent) else None
        self.parent: str | None = known or (outer.traceparent if outer else None)
        self.traceparent: str = _child(self.parent) if self.parent else _root(name)
        self.began = time.time_ns() if _recorder else 0
        self._token: Token[Span | None] | None = None

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        return self.traceparent[36:52]

    @property
    def sampled(self) -> bool:
        return self.traceparent[-1] in "13579bdf"

    def set(self, **attributes: Any) -> None:
        """Adds attributes."""
        self.attributes |= attributes

    def __enter__(self) -> "Span":
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token:
            _current.reset(self._token)
        if _recorder and self.began and self.sampled:
            _recorder.record(self, error)


def span(name: str, kind: Kind = "internal", parent: str | None = None, **attributes: Any) -> Span:
    """`with span("publish", kind="producer", parent=row.traceparent, subject=subject) as step: …`

    `parent` is a traceparent; if it is missing or malformed, the current span is the parent, if there is one.
    """
    return Span(name, kind, parent, attributes)


def current_traceparent() -> str | None:
    """To be stored or sent along: what happens because of it continues the trace."""
    current = _current.get()
    return current.traceparent if current else None


def current_span() -> Span | None:
    return _current.get()


def _child(parent: str) -> str:
    return f"{parent[:36]}{random.getrandbits(64) | 1:016x}{parent[52:]}"


def _root(name: str) -> str:
    trace_id = f"{random.getrandbits(128) | 1:032x}"
    flags = "00" if _recorder and not _recorder.samples(trace_id, name) else "01"
    return f"00-{trace_id}-{random.getrandbits(64) | 1:016x}-{flags}"


@contextmanager
def exporting(process: str, endpoint: str | None) -> Iterator[None]:
    """Exports this process' spans under the name `process` while open; does nothing without an endpoint."""
    global _recorder
    if not endpoint:
        yield
        return
    from libs.common.span_export import SpanExport  # its weight is only for who asked for it

    _recorder = export = SpanExport(process, endpoint)
    try:
        yield
    finally:
        _recorder = None
        export.close()
