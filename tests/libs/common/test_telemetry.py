import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from libs.common.logs import JsonFormatter, configure_logging
from libs.common.telemetry import current_traceparent, exporting, span
from tests.collector import Collector, collecting

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_span_continues_its_parents_trace() -> None:
    with span("step", parent=PARENT) as step:
        assert step.traceparent == current_traceparent() != PARENT
        assert step.trace_id == PARENT.split("-")[1]
    assert current_traceparent() is None


@pytest.mark.parametrize(
    "parent",
    [
        None,
        "",
        "x",
        PARENT.upper(),
        PARENT + "-x",
        "01" + PARENT[2:],
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
    ],
)
def test_without_a_parent_a_trace_begins(parent: str | None) -> None:
    with span("a", parent=parent) as first, span("b", parent=parent) as inner:
        assert inner.trace_id == first.trace_id
        assert inner.span_id != first.span_id
        assert len(first.traceparent) == len(PARENT)


def test_a_parent_that_is_given_comes_before_the_current_span() -> None:
    with span("outer"), span("inner", parent=PARENT) as inner:
        assert inner.trace_id == PARENT.split("-")[1]


async def test_tasks_have_their_own_current_span() -> None:
    async def work(name: str) -> str:
        with span(name) as step:
            await asyncio.sleep(0)
            assert current_traceparent() == step.traceparent
            return step.trace_id

    assert len(set(await asyncio.gather(*(work(str(n)) for n in range(10))))) == 10


def line(formatter: logging.Formatter, **extra: Any) -> dict[str, Any]:
    record = logging.getLogger("test").makeRecord(
        "test", logging.INFO, "f", 1, "hello %s", ("you",), None, extra=extra
    )
    parsed: dict[str, Any] = json.loads(formatter.format(record))
    return parsed


def test_a_log_line_belongs_to_its_request() -> None:
    formatter = JsonFormatter("catalog-api")
    with span("GET") as request:
        request.log_fields = {"request_id": "r1"}
        with span("inner") as inner:
            found = line(formatter, route="/x")
    assert found["message"] == "hello you"
    assert (found["process"], found["level"], found["route"]) == ("catalog-api", "INFO", "/x")
    assert (found["request_id"], found["trace_id"], found["span_id"]) == (
        "r1",
        request.trace_id,
        inner.span_id,
    )
    assert "trace_id" not in line(formatter)


def test_an_exception_is_one_line() -> None:
    formatter = JsonFormatter("p")
    try:
        raise ValueError("no\ngood")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.getLogger("test").makeRecord("test", logging.ERROR, "f", 1, "failed", (), info)
    text = formatter.format(record)
    assert "\n" not in text
    assert "ValueError: no" in json.loads(text)["exception"]


@contextmanager
def bare_logging() -> Iterator[None]:
    """As in a process of its own: nothing has set up logging yet."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = handlers, level


def test_files_take_what_stdout_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bare_logging():
        configure_logging("catalog-api", "INFO", str(tmp_path / "logs"))
        logging.getLogger("a").info("fine")
        logging.getLogger("a").error("bad")
        logging.getLogger("a").debug("hidden")
    everything = [json.loads(text)["message"] for text in capsys.readouterr().out.splitlines()]
    assert everything == ["fine", "bad"]
    assert len((tmp_path / "logs" / "app.log").read_text().splitlines()) == 2
    assert [json.loads((tmp_path / "logs" / "errors.log").read_text())["message"]] == ["bad"]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def test_spans_are_exported_where_an_endpoint_is_set(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.span_export._PATIENCE", 60)
    with exporting("catalog-api", collector.url), span("GET", "server", PARENT) as request:
        request.name = "GET /products"
        request.set(**{"http.response.status_code": 200})
        with pytest.raises(ValueError, match="no"), span("publish", "producer", subject="s"):
            raise ValueError("no")
    found = {item.name: item for item in collector.of_trace(PARENT.split("-")[1])}
    request, publish = found["GET /products"].span, found["publish"].span
    assert request.trace_id.hex() == publish.trace_id.hex() == PARENT.split("-")[1]
    assert request.parent_span_id.hex() == PARENT.split("-")[2]
    assert publish.parent_span_id == request.span_id
    assert (request.kind, publish.kind) == (request.SPAN_KIND_SERVER, publish.SPAN_KIND_PRODUCER)
    assert publish.status.code == publish.status.STATUS_CODE_ERROR
    assert request.status.code != publish.status.code
    assert {item.key: item.value.int_value for item in request.attributes} == {
        "http.response.status_code": 200
    }
    assert found["publish"].process == "catalog-api"


def test_a_trace_that_is_not_sampled_is_not_exported(collector: Collector) -> None:
    with exporting("catalog-api", collector.url), span("GET", "server", PARENT[:-2] + "00") as request:
        assert request.traceparent.endswith("-00")
        assert request.trace_id == PARENT.split("-")[1]
    assert collector.of_trace() == []


def test_a_collector_that_is_away_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.common.span_export._PATIENCE", 0.1)
    with exporting("catalog-api", "http://127.0.0.1:9"):
        for _ in range(600):
            with span("GET", "server"):
                pass
        began = time.monotonic()
    assert time.monotonic() - began < 5
