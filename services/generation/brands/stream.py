"""A project's first logos as they come: what its request's stream tells, in the words of brand designers."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.common.bus import Listener
from libs.common.contracts.generation import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    JobProgressed,
    PromptsWritten,
)
from libs.common.event_log import Recorded
from libs.common.http.following import Message, Messages, followed
from libs.common.service import Service
from services.generation.brands import assets
from services.generation.requests.directions import STEP as PROMPTS

Assets = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Followed:
    """A project of `owner_id` and the request of its first logos, as their stream is read."""

    service: Service[Any]
    owner_id: UUID
    project_id: UUID
    request_id: UUID

    async def messages(self, project: dict[str, Any], last_seen: int | None) -> Messages:
        """Begins with a snapshot, or behind what the client has seen; a project that is over still tells its end."""
        after = last_seen
        if after is None:
            told = await self.told()
            version, over = (told[-1].version, told[-1].final) if told else (0, False)
            yield self._message(version, "snapshot", {"project": project, "assets": await self._assets()})
            after = version - over
        async with aclosing(followed(self.service, self._listen, self.told, after)) as messages:
            async for message in messages:
                yield message

    async def told(self, after: int = 0) -> list[Message]:
        """The messages behind a version of the stream."""
        async with self.service.db.pool.acquire() as con:
            history = await self.service.log.load(con, self.service.keys, self.request_id)
        news = [recorded for recorded in history if recorded.version > after]
        shown = await self._assets() if news else []
        return [message for recorded in news for message in self._of(recorded, shown)]

    async def _listen(self, heard: Callable[[], None]) -> Listener:
        """Whoever has appended a public event wakes the relay."""
        return await self.service.bus.on_wake(self.service.name, heard)

    async def _assets(self) -> Assets:
        rows = await self.service.db.fetch(assets.of_request(request=self.request_id, owner=self.owner_id))
        return [assets.present(row, self.service.objects.url) for row in rows]

    def _of(self, recorded: Recorded[Any], shown: Assets) -> Sequence[Message]:
        version = recorded.version
        match recorded.event:
            case PromptsWritten(prompts=prompts):
                return [self._message(version, "prompt_ready", {"prompts": prompts})]
            case JobProgressed(step=step, code=code) if step != PROMPTS:
                kind = "asset_failed" if code else "asset_completed"
                made = [asset for asset in shown if step == f"image-{asset['index']}"]
                return [self._message(version, kind, {"asset": asset}) for asset in made]
            case GenerationCompleted():
                return [self._message(version, "project_completed", {"assets": shown}, final=True)]
            case GenerationFailed(code=code, detail=detail, retryable=retryable):
                why = {"code": code, "detail": detail, "retryable": retryable, "assets": shown}
                return [self._message(version, "project_failed", why, final=True)]
            case GenerationCancelled():
                why = {"code": "cancelled", "detail": "cancelled by its owner", "assets": shown}
                return [self._message(version, "project_failed", why, final=True)]
        return []

    def _message(self, version: int, kind: str, data: dict[str, Any], *, final: bool = False) -> Message:
        whose = {"project_id": self.project_id, "job_id": self.request_id}
        return Message(version, kind, {"type": kind, **whose, "data": data}, final)
