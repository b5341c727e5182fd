"""A small HTTP client of the API, as an integrator would write one."""

import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx

FINAL = ("completed", "failed", "cancelled")


class Refused(Exception):
    """The API answered with a problem; its `detail` is the message."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
        detail = answer.json()["detail"] if is_problem else answer.reason_phrase
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {detail}")


class Client:
    """Logged in once, then asks as that user."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=90)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def log_in(self, email: str, password: str) -> None:
        tokens = self.post("/api/v1/auth/login", json={"email": email, "password": password})
        self._http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def get(self, path: str, **options: Any) -> Any:
        return self._ask("GET", path, **options).json()

    def post(self, path: str, **options: Any) -> Any:
        return self._ask("POST", path, **options).json()

    def put(self, path: str, **options: Any) -> Any:
        return self._ask("PUT", path, **options).json()

    def download(self, url: str) -> bytes:
        """From a presigned URL, which needs no login: the object store would refuse a second one."""
        answer = httpx.get(url, timeout=60)
        if answer.is_error:
            raise Refused(answer)
        return answer.content

    def follow(self, job_id: str) -> Iterator[dict[str, Any]]:
        """The job's events until its last one; after a broken connection it goes on where it stopped."""
        last_id = status = ""
        while status not in FINAL:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
            try:
                with self._http.stream("GET", f"/api/v1/jobs/{job_id}/stream", headers=headers) as answer:
                    if answer.is_error:
                        answer.read()
                        raise Refused(answer)
                    for event_id, event in _events(answer.iter_lines()):
                        last_id, status = event_id, event["status"]
                        yield event
            except httpx.TransportError:
                continue

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self._http.request(method, path, **options)
        if answer.is_error:
            raise Refused(answer)
        return answer


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and data of server-sent events; comments, which keep the connection alive, are skipped."""
    event_id = data = ""
    for line in lines:
        name, _, value = line.partition(":")
        match name:
            case "id":
                event_id = value.strip()
            case "data":
                data += value.strip()
            case "" if not line and data:
                yield event_id, json.loads(data)
                data = ""
