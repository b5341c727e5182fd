"""Personal data in events: encrypted per subject from the first event, erased by deleting the subject's key."""

import os
import time
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.common.messages import Event

SEALED = "$sealed"
_NONCE = 12
_CACHE_SECONDS = 60.0
_CACHE_SIZE = 10_000


class KeyRing:
    """The service's key per subject: AES-256-GCM, wrapped by the master key in `subject_keys`.

    A key stays cached for a minute, which is how long an erased subject may stay readable in a running process.
    """

    def __init__(self, master_key: str) -> None:
        """`master_key` is 32 bytes in URL-safe base64; while it is rotated, several by comma, the newest first."""
        self._masters = [AESGCM(_decoded(key)) for key in master_key.split(",")]
        self._cache: OrderedDict[UUID, tuple[float, AESGCM]] = OrderedDict()

    async def obtain(self, con: asyncpg.Connection, subject: UUID) -> AESGCM:
        """The subject's key, made on first use in the caller's transaction."""
        if found := (await self.find(con, [subject])).get(subject):
            return found
        wrapped = self._wrap(subject, AESGCM.generate_key(256))
        insert = "INSERT INTO subject_keys (subject_id, wrapped_key) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        await con.execute(insert, subject, wrapped)
        stored = await con.fetchval("SELECT wrapped_key FROM subject_keys WHERE subject_id = $1", subject)
        return self._unwrap(subject, stored)  # not cached: this transaction may still be rolled back

    async def find(self, con: asyncpg.Connection, subjects: Iterable[UUID]) -> dict[UUID, AESGCM]:
        """The keys that exist; a subject without one was erased."""
        now, found, missing = time.monotonic(), {}, []
        for subject in set(subjects):
            at, key = self._cache.get(subject, (0.0, None))
            if key is not None and now - at < _CACHE_SECONDS:
                found[subject] = key
            else:
                missing.append(subject)
        if missing:
            query = "SELECT subject_id, wrapped_key FROM subject_keys WHERE subject_id = ANY($1)"
            for subject, wrapped in await con.fetch(query, missing):
                found[subject] = self._unwrap(subject, wrapped)
                self._cache[subject] = (now, found[subject])
            while len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        return found

    async def erase(self, con: asyncpg.Connection, subject: UUID) -> None:
        """Deletes the key: what was sealed with it can never be read again."""
        await con.execute("DELETE FROM subject_keys WHERE subject_id = $1", subject)
        self._cache.pop(subject, None)

    async def rewrap(self, con: asyncpg.Connection) -> int:
        """Wraps every subject's key with the newest master key; how many there are."""
        rows = await con.fetch("SELECT subject_id, wrapped_key FROM subject_keys FOR UPDATE")
        again = [(row["subject_id"], self._wrap(row["subject_id"], self._plain(*row))) for row in rows]
        await con.executemany("UPDATE subject_keys SET wrapped_key = $2 WHERE subject_id = $1", again)
        return len(again)

    def _wrap(self, subject: UUID, key: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._masters[0].encrypt(nonce, key, subject.bytes)

    def _unwrap(self, subject: UUID, wrapped: bytes) -> AESGCM:
        return AESGCM(self._plain(subject, wrapped))

    def _plain(self, subject: UUID, wrapped: bytes) -> bytes:
        for master in self._masters:
            with suppress(InvalidTag):
                return master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], subject.bytes)
        raise InvalidTag(f"no MASTER_KEY opens the key of {subject}")


def _decoded(key: str) -> bytes:
    return urlsafe_b64decode(key + "=" * (-len(key) % 4))


def seal(kind: type[Event], event_id: UUID, data: dict[str, Any], key: AESGCM) -> dict[str, Any]:
    """A copy of `data` with its personal fields encrypted; bound to the event and the field's name."""
    sealed = dict(data)
    for name in kind.personal_fields() & data.keys():
        nonce = os.urandom(_NONCE)
        cipher = key.encrypt(nonce, orjson.dumps(data[name]), event_id.bytes + name.encode())
        sealed[name] = {SEALED: b64encode(nonce + cipher).decode()}
    return sealed


def unseal(event_id: UUID, data: dict[str, Any], key: AESGCM | None) -> dict[str, Any]:
    """A copy of `data` with its personal fields readable, or `None` where the subject has been erased."""
    plain = dict(data)
    for name, value in data.items():
        if is_sealed(value):
            raw = b64decode(value[SEALED])
            aad = event_id.bytes + name.encode()
            plain[name] = orjson.loads(key.decrypt(raw[:_NONCE], raw[_NONCE:], aad)) if key else None
    return plain


def is_sealed(value: object) -> bool:
    return isinstance(value, dict) and SEALED in value
