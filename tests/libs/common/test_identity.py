import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from libs.common import tokens
from libs.common.bus import Bus
from libs.common.errors import Unauthorized, Unavailable
from libs.common.identity import Authenticator
from libs.common.settings import Settings
from libs.common.tokens import Verifier, public_jwks, sign_access_token
from tests.libs.common.waiting import background, eventually

ALICE, SESSION = UUID(int=1), UUID(int=5)


def new_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def settings(**own: Any) -> Settings:
    servers = {
        "database_url": "-",
        "nats_url": "-",
        "s3_endpoint": "-",
        "s3_access_key": "-",
        "s3_secret_key": "-",
    }
    return Settings(**(servers | {"master_key": "-"} | own))


@pytest.fixture(scope="module")
def auth() -> Settings:
    return settings(jwt_private_key=new_key())


class Jwks:
    """Auth's `/.well-known/jwks.json`, over real HTTP."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {"keys": []}
        self.status = 200
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                body = json.dumps(outer.document).encode()
                self.send_response(outer.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/.well-known/jwks.json"


@pytest.fixture
def jwks() -> Iterator[Jwks]:
    served = Jwks()
    thread = threading.Thread(target=served.server.serve_forever, args=[0.01])
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()


async def test_a_token_says_who_calls(auth: Settings) -> None:
    user = await Verifier(auth).verify(sign_access_token(auth, ALICE, "admin", SESSION))
    assert (user.id, user.role, user.session_id, user.is_admin) == (ALICE, "admin", SESSION, True)
    assert user.expires_at == pytest.approx(time.time() + 30 * 60, abs=5)


async def test_keys_that_are_there_before_they_are_needed_outlive_auth(auth: Settings, jwks: Jwks) -> None:
    authenticator = Authenticator(settings(jwks_url=jwks.url), Bus("nats://nobody@127.0.0.1:9", "test"))

    async def nobody_is_refused() -> list[UUID]:
        return []

    async with background(authenticator.keep_up(nobody_is_refused)):
        jwks.document = public_jwks(auth)
        await eventually(lambda: has_keys(authenticator))
    jwks.status = 500
    assert (await authenticator.by_token(sign_access_token(auth, ALICE, "user"))).id == ALICE


async def has_keys(authenticator: Authenticator) -> bool:
    return bool(authenticator._verifier._keys)


async def test_others_verify_with_the_public_key_alone(auth: Settings, jwks: Jwks) -> None:
    jwks.document = public_jwks(auth)
    assert "d" not in jwks.document["keys"][0]
    verifier = Verifier(settings(jwks_url=jwks.url))
    for _ in range(3):
        assert (await verifier.verify(sign_access_token(auth, ALICE, "user"))).id == ALICE
    assert jwks.asked == 1


async def test_a_new_key_is_fetched_when_it_is_first_seen(
    auth: Settings, jwks: Jwks, monkeypatch: pytest.MonkeyPatch
) -> None:
    jwks.document = public_jwks(auth)
    verifier = Verifier(settings(jwks_url=jwks.url))
    await verifier.verify(sign_access_token(auth, ALICE, "user"))
    rotated = settings(jwt_private_key=new_key())
    jwks.document = {"keys": [*jwks.document["keys"], *public_jwks(rotated)["keys"]]}
    with pytest.raises(Unauthorized):
        await verifier.verify(sign_access_token(rotated, ALICE, "user"))
    assert jwks.asked == 1, "unknown keys cannot make us ask more than every few seconds"
    monkeypatch.setattr(tokens, "_REFETCH_SECONDS", 0.0)
    assert (await verifier.verify(sign_access_token(rotated, ALICE, "user"))).id == ALICE


async def test_known_keys_outlive_an_outage_of_auth(
    auth: Settings, jwks: Jwks, monkeypatch: pytest.MonkeyPatch
) -> None:
    jwks.document, jwks.status = public_jwks(auth), 500
    verifier = Verifier(settings(jwks_url=jwks.url))
    token = sign_access_token(auth, ALICE, "user")
    with pytest.raises(Unavailable):
        await verifier.verify(token)
    jwks.status = 200
    await verifier.verify(token)
    jwks.status = 500
    monkeypatch.setattr(tokens, "_REFETCH_SECONDS", 0.0)
    monkeypatch.setattr(tokens, "_FRESH_SECONDS", 0.0)
    assert (await verifier.verify(token)).id == ALICE


def forged(auth: Settings, **header: Any) -> str:
    """Alice's token with another header, signed with the public key as if it were a shared secret."""
    _, claims, _ = sign_access_token(auth, ALICE, "admin").split(".")
    public = tokens._key_pair(auth.jwt_private_key or "")[0].public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    kid = public_jwks(auth)["keys"][0]["kid"]
    head = (
        base64.urlsafe_b64encode(json.dumps({"typ": "JWT", "kid": kid, **header}).encode())
        .rstrip(b"=")
        .decode()
    )
    signed = hmac.digest(secret, f"{head}.{claims}".encode(), hashlib.sha256)
    signature = "" if header["alg"] == "none" else base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
    return f"{head}.{claims}.{signature}"


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "EdDSA", "RS256", ""])
async def test_a_forged_header_fools_nobody(auth: Settings, alg: str) -> None:
    with pytest.raises(Unauthorized):
        await Verifier(auth).verify(forged(auth, alg=alg))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"jwt_audience": "other"}, "invalid_token"),
        ({"jwt_issuer": "other"}, "invalid_token"),
        ({"jwt_private_key": new_key()}, "invalid_token"),
    ],
    ids=["audience", "issuer", "key"],
)
async def test_a_token_made_for_others_is_refused(auth: Settings, changed: dict[str, Any], code: str) -> None:
    foreign = auth.model_copy(update=changed)
    with pytest.raises(Unauthorized) as refused:
        await Verifier(auth).verify(sign_access_token(foreign, ALICE, "user"))
    assert refused.value.code == code


@pytest.mark.parametrize("claim", ["sub", "role", "exp", "iat", "nbf", "iss", "aud"])
async def test_every_claim_is_required(auth: Settings, claim: str) -> None:
    with pytest.raises(Unauthorized):
        await Verifier(auth).verify(altered(auth, **{claim: None}))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"exp": 1_000_000}, "token_expired"),
        ({"nbf": 9_999_999_999}, "invalid_token"),
        ({"sub": "alice"}, "invalid_token"),
        ({"sub": 7}, "invalid_token"),
        ({"sid": "session"}, "invalid_token"),
        ({"exp": "soon"}, "invalid_token"),
    ],
)
async def test_a_claim_that_does_not_hold_is_refused(
    auth: Settings, changed: dict[str, Any], code: str
) -> None:
    with pytest.raises(Unauthorized) as refused:
        await Verifier(auth).verify(altered(auth, **changed))
    assert refused.value.code == code


def altered(auth: Settings, **changed: Any) -> str:
    """Signed with auth's own key, but with other claims; None leaves one out."""
    claims = jwt.decode(sign_access_token(auth, ALICE, "user"), options={"verify_signature": False}) | changed
    kept = {name: value for name, value in claims.items() if value is not None}
    key, public = tokens._key_pair(auth.jwt_private_key or "")
    header = {"alg": "EdDSA", "kid": public["kid"]}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, kept)]
    signature = base64.urlsafe_b64encode(key.sign(b".".join(parts))).rstrip(b"=")
    return b".".join([*parts, signature]).decode()


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 100_000, "é.é.é", "\x00"])
async def test_what_is_no_token_is_refused(auth: Settings, token: str) -> None:
    with pytest.raises(Unauthorized):
        await Verifier(auth).verify(token)


async def test_a_shared_secret_serves_older_clients() -> None:
    shared = settings(jwt_algorithm="HS256", jwt_secret_key="s" * 32)
    token = sign_access_token(shared, ALICE, "user")
    assert (await Verifier(shared).verify(token)).id == ALICE
    assert public_jwks(shared) == {"keys": []}
    other = settings(jwt_algorithm="HS256", jwt_secret_key="t" * 32)
    with pytest.raises(Unauthorized):
        await Verifier(other).verify(token)
