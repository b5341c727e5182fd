"""Logs: one JSON object per line on stdout, with the ids of the request or job they belong to."""

import logging
import sys
from datetime import UTC, datetime
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from typing import Any

import orjson

from libs.common.telemetry import current_span

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """`extra=` of a log call becomes members of the object."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if span := current_span():
            line |= {"trace_id": span.trace_id, "span_id": span.span_id, **span.log_fields}
        line |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def configure_logging(process: str, level: str = "INFO", directory: str | None = None) -> None:
    """Sends log records to stdout and to `directory`'s files, unless whoever embeds us has set up logging."""
    formatter = JsonFormatter(process)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if directory:
        handlers.append(_daily(Path(directory) / "app.log", logging.NOTSET))
        handlers.append(_daily(Path(directory) / "errors.log", logging.ERROR))
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=handlers)
    for name in ("httpx", "httpx2", "google_genai"):  # a line or two for every request they make
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True  # the request middleware logs each request once
    logging.getLogger("uvicorn.error").addFilter(_is_no_websocket)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _is_no_websocket(record: logging.LogRecord) -> bool:
    """uvicorn tells the whole address of a WebSocket, in which its token is; the middleware tells the path."""
    return '"WebSocket %s"' not in str(record.msg)


def _daily(file: Path, level: int) -> logging.Handler:
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = TimedRotatingFileHandler(file, when="midnight", utc=True, delay=True)
    handler.setLevel(level)
    return handler
