"""The secrets of one installation, made once, and the forms in which its processes receive them."""

import os
import secrets
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel

from deploy import SERVICES

OWNERS = tuple(f"{service}_owner" for service in SERVICES)
ACCOUNTS = ("postgres", "operator", "admin", "demo", "grafana", *SERVICES, *OWNERS)

NATS = ("nats-0.nats", "nats-1.nats", "nats-2.nats")
"""The nodes of a cluster in Kubernetes; a client that loses one goes to the next."""


class Secrets(BaseModel):
    """A service's password is that of its PostgreSQL role and of its NATS user."""

    passwords: dict[str, str]
    master_keys: dict[str, str]
    jwt_private_key: str
    s3_access_key: str
    s3_secret_key: str

    @classmethod
    def generate(cls) -> "Secrets":
        """Every account gets a password, every service a key that wraps its subjects' keys."""
        key = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(
            passwords={account: secrets.token_hex(16) for account in ACCOUNTS},
            master_keys={service: urlsafe_b64encode(os.urandom(32)).decode() for service in SERVICES},
            jwt_private_key=key.decode(),
            s3_access_key=secrets.token_hex(10),
            s3_secret_key=secrets.token_hex(20),
        )

    def variables(self) -> dict[str, str]:
        """One variable per secret: those that `docker-compose.yml` cannot do without."""
        return {
            **self.passwords_of(*ACCOUNTS),
            **{f"{service.upper()}_MASTER_KEY": key for service, key in self.master_keys.items()},
            **self._object_store(),
            "JWT_PRIVATE_KEY": self.jwt_private_key,
        }

    def passwords_of(self, *accounts: str) -> dict[str, str]:
        """As variables, such as AUTH_OWNER_PASSWORD."""
        return {f"{account.upper()}_PASSWORD": self.passwords[account] for account in accounts}

    def dotenv(self) -> str:
        """For `.env`: a private key has lines, which compose reads as `\\n` between double quotes."""
        lines = (f'{name}="{value}"'.replace("\n", "\\n") for name, value in self.variables().items())
        return "\n".join(lines)

    def kubernetes(self, database: str | None = None) -> list[dict[str, Any]]:
        """The Secrets that `deploy/kubernetes` refers to.

        `database` is the `host:port` of a PostgreSQL elsewhere, whose superuser is no business of the cluster's;
        without it they are for the one that overlays/dev brings along.
        """
        superuser = () if database else ("postgres",)
        database = database or "postgres:5432"
        return [
            *(_secret(service, self._of_service(service, database)) for service in SERVICES),
            *(
                _secret(owner.replace("_", "-"), {"DATABASE_OWNER_URL": self._url(owner, database)})
                for owner in OWNERS
            ),
            _secret("nats", self.passwords_of(*SERVICES, "operator")),
            _secret("postgres", self.passwords_of(*superuser, *SERVICES, *OWNERS)),
            _secret("object-store", self._object_store()),
        ]

    def _of_service(self, service: str, database: str) -> dict[str, str]:
        auths = {"JWT_PRIVATE_KEY": self.jwt_private_key, "ADMIN_PASSWORD": self.passwords["admin"]}
        return {
            "DATABASE_URL": self._url(service, database),
            "NATS_URL": ",".join(f"nats://{service}:{self.passwords[service]}@{node}:4222" for node in NATS),
            "MASTER_KEY": self.master_keys[service],
            **self._object_store(),
            **(auths if service == "auth" else {}),
        }

    def _object_store(self) -> dict[str, str]:
        return {"S3_ACCESS_KEY": self.s3_access_key, "S3_SECRET_KEY": self.s3_secret_key}

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self.passwords[role]}@{database}/vitrine"


def _secret(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
