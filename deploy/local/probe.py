"""One HTTP question to a server on this machine."""

import json
from http.client import HTTPConnection, HTTPException


def http_status(port: int, path: str) -> int | None:
    """None when nobody answers properly within two seconds."""
    return answered[0] if (answered := _ask(port, path)) else None


def misses_nothing(port: int) -> bool:
    """Whether a service process is ready and not degraded, which is 200 as well."""
    answered = _ask(port, "/ready")
    return answered is not None and answered[0] == 200 and json.loads(answered[1])["status"] == "ready"


def _ask(port: int, path: str) -> tuple[int, bytes] | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
