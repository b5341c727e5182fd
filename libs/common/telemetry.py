"""One trace from the HTTP request through the log, NATS and the worker to the provider call.

Every process passes W3C `traceparent` on. Spans are recorded and exported (OTLP over HTTP) only where
`OTEL_EXPORTER_OTLP_ENDPOINT` is set; elsewhere a span costs a random number.
"""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Kind = Literal["internal", "server", "client", "producer", "consumer"]

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar["Span | None"] = ContextVar("span", default=None)
_tracer: "Tracer | None" = None


class Span:
    """A step of a trace, current inside its `with` block; passed on, not recorded."""

    __slots__ = ("_token", "log_fields", "traceparent")

    def __init__(self, traceparent: str, log_fields: dict[str, Any]) -> None:
        """`log_fields` are added to every log line inside the span and inherited by the spans within."""
        self.traceparent = traceparent
        self.log_fields = log_fields
        self._token: Token[Span | None] | None = None

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        return self.traceparent[36:52]

    def rename(self, name: str) -> None:
        """For a name known only later, such as a request's route."""

    def set(self, **attributes: Any) -> None:
        """Attributes known only later."""

    def __enter__(self) -> "Span":
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token:
            _current.reset(self._token)


class _RecordedSpan(Span):
    """A span of the OpenTelemetry SDK, current for code that uses OpenTelemetry itself too."""

    __slots__ = ("_context_token", "_otel")

    def __init__(self, otel: Any, log_fields: dict[str, Any]) -> None:
        context = otel.get_span_context()
        flags = int(context.trace_flags)
        super().__init__(f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}", log_fields)
        self._otel = otel
        self._context_token: Any = None

    def rename(self, name: str) -> None:
        self._otel.update_name(name)

    def set(self, **attributes: Any) -> None:
        self._otel.set_attributes(attributes)

    def __enter__(self) -> Span:
        from opentelemetry import context, trace

        self._context_token = context.attach(trace.set_span_in_context(self._otel))
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from opentelemetry import context
        from opentelemetry.trace import StatusCode

        super().__exit__(kind, error, trace)
        context.detach(self._context_token)
        if error is not None:
            self._otel.record_exception(error)
            self._otel.set_status(StatusCode.ERROR, str(error))
        self._otel.end()


def span(name: str, kind: Kind = "internal", parent: str | None = None, **attributes: Any) -> Span:
    """`with span("publish", kind="producer", parent=row.traceparent, subject=subject) as step: …`

    `parent` is a traceparent; if it is missing or malformed, the current span is the parent, if there is one.
    """
    outer = _current.get()
    above = parent if parent and _TRACEPARENT.fullmatch(parent) else outer.traceparent if outer else None
    log_fields = outer.log_fields if outer else {}
    if _tracer:
        return _RecordedSpan(_start(_tracer, name, kind, above, attributes), log_fields)
    own = f"{random.getrandbits(64) | 1:016x}"
    if above:
        return Span(f"{above[:36]}{own}{above[52:]}", log_fields)
    return Span(f"00-{random.getrandbits(128) | 1:032x}-{own}-01", log_fields)


def current_traceparent() -> str | None:
    """To be stored or sent along: what happens because of it continues the trace."""
    current = _current.get()
    return current.traceparent if current else None


def current_span() -> Span | None:
    return _current.get()


def _start(tracer: "Tracer", name: str, kind: Kind, above: str | None, attributes: dict[str, Any]) -> Any:
    from opentelemetry import trace
    from opentelemetry.context import Context

    context = Context()
    if above:
        ids = trace.SpanContext(
            int(above[3:35], 16), int(above[36:52], 16), True, trace.TraceFlags(int(above[53:], 16))
        )
        context = trace.set_span_in_context(trace.NonRecordingSpan(ids), context)
    return tracer.start_span(name, context, trace.SpanKind[kind.upper()], attributes)


@contextmanager
def exporting(process: str, endpoint: str | None) -> Iterator[None]:
    """Records and exports spans while open, as process `process`; without an endpoint there is nothing to do.

    The SDK's own variables (sampler, headers, timeouts) apply.
    """
    global _tracer
    if not endpoint:
        yield
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": process}), shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))
    )
    trace.set_tracer_provider(provider)
    _tracer = provider.get_tracer("vitrine")
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()
