"""Exports spans with the OpenTelemetry SDK: its sampler, its batches, its OTLP exporter, its variables.

Only its own span class is left out, which takes longer than the request it describes.
"""

import time
from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from libs.common.telemetry import Span

_PATIENCE = 2.0
_SCOPE = InstrumentationScope("vitrine")
_UNSET = Status(StatusCode.UNSET)


class SpanExport:
    """To `endpoint` (OTLP over HTTP), as process `process`."""

    def __init__(self, process: str, endpoint: str) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": process}), shutdown_on_exit=False
        )
        self._exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._batches = BatchSpanProcessor(self._exporter)

    def samples(self, trace_id: str, name: str) -> bool:
        """Whether a new trace is recorded; the spans within follow its flag."""
        decision = self._provider.sampler.should_sample(None, int(trace_id, 16), name).decision
        return decision is Decision.RECORD_AND_SAMPLE

    def record(self, span: Span, error: BaseException | None) -> None:
        """Queues a finished span; when the collector is too slow, spans are dropped."""
        ended = time.time_ns()
        self._batches.on_end(
            ReadableSpan(
                span.name,
                _context(span.traceparent),
                _context(span.parent) if span.parent else None,
                self._provider.resource,
                span.attributes,
                [_exception(error, ended)] if error else (),
                kind=SpanKind[span.kind.upper()],
                status=Status(StatusCode.ERROR, str(error)) if error else _UNSET,
                start_time=span.began,
                end_time=ended,
                instrumentation_scope=_SCOPE,
            )
        )

    def close(self) -> None:
        """Exports what is queued, but ends soon even if the collector is away."""
        flush = Thread(target=self._batches.shutdown, daemon=True)
        flush.start()
        flush.join(_PATIENCE)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _context(traceparent: str) -> SpanContext:
    flags = TraceFlags(int(traceparent[53:], 16))
    return SpanContext(int(traceparent[3:35], 16), int(traceparent[36:52], 16), False, flags)


def _exception(error: BaseException, at: int) -> Event:
    return Event("exception", {"exception.type": type(error).__name__, "exception.message": str(error)}, at)
