"""One HTTP question to a server on this machine."""

from http.client import HTTPConnection, HTTPException


def http_status(port: int, path: str) -> int | None:
    """None when nobody answers properly within two seconds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
