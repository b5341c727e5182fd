"""Auth's variables."""

from typing import Literal, Self

from pydantic import AliasChoices, Field, model_validator

from libs.common.settings import Settings
from services.auth.accounts.domain import Email, Username
from services.auth.passwords import Password

DEMO_PASSWORD = "admin123"  # noqa: S105 -- known to everybody, refused in production, flagged for change elsewhere


class AuthSettings(Settings):
    registration_mode: Literal["open", "invite", "admin"] = "open"
    refresh_token_expire_hours: int = Field(
        24, gt=0, validation_alias=AliasChoices("JWT_EXPIRATION_HOURS", "REFRESH_TOKEN_EXPIRE_HOURS")
    )
    """Since the last refresh: who comes back every day stays logged in."""

    admin_username: Username = "admin"
    admin_email: Email = "admin@vitrine.local"
    admin_password: Password = Field(DEMO_PASSWORD, repr=False)
    """Of the account seeded at the first start."""

    @model_validator(mode="after")
    def _signs_tokens(self) -> Self:
        if self.jwt_algorithm == "EdDSA" and not self.jwt_private_key:
            raise ValueError("auth signs the access tokens: set JWT_PRIVATE_KEY (Ed25519, PEM)")
        return self

    @model_validator(mode="after")
    def _has_no_known_password(self) -> Self:
        if self.production and self.admin_password == DEMO_PASSWORD:
            raise ValueError(f"in production set ADMIN_PASSWORD, and not to {DEMO_PASSWORD}")
        return self
