"""`/ws/processing/{job_id}`: the messages of a job over a WebSocket, which ends after the final one."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any
from uuid import UUID

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from libs.common.errors import DomainError, NotFound, TooMany, Unauthorized
from libs.common.http import ServiceDep
from libs.common.identity import stream_user
from libs.common.resilience import AWAY
from libs.common.service import Service
from services.analysis.jobs.follow import follow_from
from services.analysis.jobs.lookup import Job, find_job

UNAUTHENTICATED, NOT_YOURS, TOO_MANY, TRY_LATER = 4001, 4003, 4008, 1013
MOST_CONNECTIONS = 5
"""Per user and process."""

routes = APIRouter()
_connected: Counter[UUID] = Counter()


@routes.websocket("/ws/processing/{job_id}")
async def follow_job(websocket: WebSocket, job_id: UUID, service: ServiceDep) -> None:
    """Accepts before it refuses: a browser sees the close code of an open connection only."""
    await websocket.accept()
    try:
        user = await stream_user(websocket)
        with _place(user.id):
            ended = await _tell(websocket, service, await find_job(service, user.id, job_id))
        await websocket.close(1000 if ended else TRY_LATER)
    except DomainError as refusal:
        await websocket.close(_close_code(refusal), refusal.detail)
    except AWAY:
        await websocket.close(TRY_LATER, "a part of the system is away")
    except WebSocketDisconnect:
        return


@contextmanager
def _place(user_id: UUID) -> Iterator[None]:
    if _connected[user_id] >= MOST_CONNECTIONS:
        raise TooMany(f"at most {MOST_CONNECTIONS} connections at a time")
    _connected[user_id] += 1
    try:
        yield
    finally:
        _connected[user_id] -= 1
        if not _connected[user_id]:
            del _connected[user_id]


def _close_code(refusal: DomainError) -> int:
    match refusal:
        case Unauthorized():
            return UNAUTHENTICATED
        case NotFound():
            return NOT_YOURS
        case TooMany():
            return TOO_MANY
    return TRY_LATER


async def _tell(websocket: WebSocket, service: Service[Any], job: Job) -> bool:
    """Whether the final message was told, before the process is to end; raises WebSocketDisconnect."""
    leaving = asyncio.create_task(_until_left(websocket))
    telling = asyncio.create_task(_send(websocket, service, job))
    try:
        await asyncio.wait({leaving, telling}, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            raise WebSocketDisconnect
        return await telling
    finally:
        for task in (leaving, telling):
            task.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect):
                await task


async def _send(websocket: WebSocket, service: Service[Any], job: Job) -> bool:
    ended = False
    async with aclosing(follow_from(service, job, None)) as messages:
        async for message in messages:
            if message:
                await websocket.send_json(message.body)
                ended = message.final
    return ended


async def _until_left(websocket: WebSocket) -> None:
    """What a client says is of no interest, only that it goes."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
