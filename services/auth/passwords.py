"""Password hashes: bcrypt over base64(SHA-256(password)), because bcrypt itself reads 72 bytes at most.

What earlier systems stored (bcrypt of the password itself, werkzeug's pbkdf2) is verified too, and replaced
at its owner's next login. Hashing takes some 0.3 s of a core, so it happens in threads.
"""

import asyncio
import hashlib
import hmac
import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import bcrypt
from pydantic import Field

from libs.common.errors import Invalid

Password = Annotated[str, Field(min_length=8, max_length=256)]
"""Long enough is what counts: no rules about the kinds of its characters."""

COST = 12
_NOBODYS = "bcrypt-sha256:$2b$12$NcLzRBYaDjnknTw.K3tjv.XRYS3A7eNJwcVKANo6tCk0jRQcZOUwK"
"""Of a password that nobody knows."""
_THREADS = ThreadPoolExecutor(os.cpu_count(), "passwords")


def check_allowed(field: str, password: str, *names: str | None) -> None:
    """Raises Invalid, naming the body's `field`, for a password that is one of the account's names."""
    if password.casefold() in {name.casefold() for name in names if name}:
        raise refused(field, "must not be the e-mail address or the username", "password_is_name")


def refused(field: str, reason: str, code: str) -> Invalid:
    error = {"loc": ["body", field], "msg": reason, "type": code}
    return Invalid(f"{field}: {reason}", code=code, errors=[error])


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _hash, password)


async def verify(password: str, stored: str | None) -> bool:
    """Whether it is the password that was stored; without one it takes as long and is not."""
    matches = await asyncio.get_running_loop().run_in_executor(
        _THREADS, _matches, password, stored or _NOBODYS
    )
    return matches and stored is not None


def outdated(stored: str) -> bool:
    """Whether it should be replaced now that the password is at hand."""
    return not stored.startswith(f"bcrypt-sha256:$2b${COST:02}$")


def _hash(password: str) -> str:
    return f"bcrypt-sha256:{bcrypt.hashpw(_condensed(password), bcrypt.gensalt(COST)).decode()}"


def _matches(password: str, stored: str) -> bool:
    kind, _, rest = stored.partition(":")
    if kind == "bcrypt-sha256":
        return bcrypt.checkpw(_condensed(password), rest.encode())
    if stored.startswith("$2"):
        return bcrypt.checkpw(password.encode()[:72], stored.encode())
    if stored.startswith("pbkdf2:sha256:"):
        return _matches_pbkdf2(password, rest)
    raise ValueError("a password hash of unknown kind is stored")


def _matches_pbkdf2(password: str, parameters: str) -> bool:
    """`parameters` as werkzeug writes them after `pbkdf2:`: `sha256:<iterations>$<salt>$<hex>`."""
    method, salt, expected = parameters.split("$")
    iterations = int(method.partition(":")[2])
    return hmac.compare_digest(
        hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations).hex(), expected
    )


def _condensed(password: str) -> bytes:
    return b64encode(hashlib.sha256(password.encode()).digest())
