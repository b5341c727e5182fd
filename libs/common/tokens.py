"""Access tokens: signed by auth alone, verified everywhere with its public keys; one algorithm for all."""

import asyncio
import hashlib
import logging
import time
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
import orjson
import urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from uuid_utils.compat import uuid7

from libs.common.errors import Unauthorized, Unavailable
from libs.common.settings import Settings

log = logging.getLogger(__name__)

_REQUIRED = ["sub", "role", "exp", "iat", "nbf", "iss", "aud"]
_CLOCK_SKEW = 5
_LONGEST = 4096
_REFETCH_SECONDS = 5.0
_FRESH_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class User:
    """The caller as the token says; `session_id` is the login it came from, `expires_at` in Unix seconds."""

    id: UUID
    role: str
    session_id: UUID | None
    expires_at: float

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


def sign_access_token(settings: Settings, account_id: UUID, role: str, session_id: UUID | None = None) -> str:
    """Valid for `access_token_expire_minutes`; for auth, which alone can sign."""
    now = int(time.time())
    claims = {
        "sub": str(account_id),
        "role": role,
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
        "iat": now,
        "nbf": now,
        "exp": now + settings.access_token_expire_minutes * 60,
        "jti": str(uuid7()),
    }
    if session_id:
        claims["sid"] = str(session_id)
    if settings.jwt_algorithm == "HS256" and settings.jwt_secret_key:
        return jwt.encode(claims, settings.jwt_secret_key, "HS256")
    if not settings.jwt_private_key:
        raise ValueError("only auth, which has JWT_PRIVATE_KEY, signs tokens")
    key, public = _key_pair(settings.jwt_private_key)
    return jwt.encode(claims, key, "EdDSA", headers={"kid": public["kid"]})


def public_jwks(settings: Settings) -> dict[str, list[dict[str, str]]]:
    """The answer of `/.well-known/jwks.json`; a shared secret is never listed."""
    if settings.jwt_algorithm == "HS256" or not settings.jwt_private_key:
        return {"keys": []}
    return {"keys": [_key_pair(settings.jwt_private_key)[1]]}


class Verifier:
    """Checks tokens; fetches auth's public keys when it needs them, and again for a key it does not know."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jwks_url = None if settings.jwt_private_key else settings.jwks_url
        self._keys: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._http = urllib3.PoolManager(maxsize=1, timeout=2.0, retries=False)
        if settings.jwt_private_key:
            self._keys = _parsed(public_jwks(settings))

    async def verify(self, token: str) -> User:
        """Raises Unauthorized, or Unavailable while auth's keys cannot be had."""
        settings = self._settings
        if len(token) > _LONGEST:
            raise _refused()
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != settings.jwt_algorithm:
                raise _refused()
            claims = jwt.decode(
                token,
                await self._key(header.get("kid")),
                [settings.jwt_algorithm],
                {"require": _REQUIRED},
                audience=settings.jwt_audience,
                issuer=settings.jwt_issuer,
                leeway=_CLOCK_SKEW,
            )
            session_id = UUID(claims["sid"]) if "sid" in claims else None
            return User(UUID(claims["sub"]), str(claims["role"]), session_id, float(claims["exp"]))
        except jwt.ExpiredSignatureError:
            raise Unauthorized("the access token has expired", code="token_expired") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _refused() from None

    async def prefetch(self) -> None:
        """Gets the public keys if there are none; does nothing while they cannot be had."""
        if self._jwks_url and not self._keys:
            with suppress(Unavailable):
                await self._refresh(self._jwks_url)

    async def _key(self, key_id: Any) -> Any:
        if self._settings.jwt_algorithm == "HS256":
            return self._settings.jwt_secret_key
        if self._jwks_url and (key_id not in self._keys or self._age() > _FRESH_SECONDS):
            await self._refresh(self._jwks_url)
        if key_id not in self._keys:
            raise _refused()
        return self._keys[key_id]

    def _age(self) -> float:
        return time.monotonic() - self._fetched_at

    async def _refresh(self, url: str) -> None:
        async with self._fetching:
            if self._age() < _REFETCH_SECONDS:
                return
            try:
                answer = await asyncio.to_thread(self._http.request, "GET", url)
                if answer.status != 200:
                    raise ValueError(f"status {answer.status}")
                self._keys = _parsed(orjson.loads(answer.data))
            except (urllib3.exceptions.HTTPError, ValueError, KeyError, jwt.PyJWTError) as error:
                log.warning("cannot fetch the public keys from %s: %s", url, error)
                if not self._keys:
                    raise Unavailable("cannot check tokens just now: try again soon", retry_after=2) from None
            self._fetched_at = time.monotonic()


def _refused() -> Unauthorized:
    return Unauthorized("the access token is not valid", code="invalid_token")


def _parsed(jwks: dict[str, list[dict[str, str]]]) -> dict[str, Any]:
    return {key["kid"]: jwt.PyJWK(key, "EdDSA").key for key in jwks["keys"] if key.get("kty") == "OKP"}


@lru_cache(maxsize=2)
def _key_pair(pem: str) -> tuple[Ed25519PrivateKey, dict[str, str]]:
    """The private key and its public half as a JWK, named by its thumbprint (RFC 7638)."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("JWT_PRIVATE_KEY is no Ed25519 key")
    x = _base64(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    thumbprint = _base64(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())
    return key, {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": thumbprint, "alg": "EdDSA", "use": "sig"}


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
