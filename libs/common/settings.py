"""Environment variables: the same names in every process, read once when it starts."""

from typing import Literal, Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseOwnerSettings(BaseSettings):
    """For migrations alone: a running service never holds the owner's password."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_owner_url: str = Field(repr=False)


class ObjectStoreSettings(BaseSettings):
    """Where the bucket is: enough to make it, before anything else is there."""

    model_config = SettingsConfigDict(
        frozen=True, populate_by_name=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    public_url: str = "http://localhost:8000"
    """The gateway's origin: links in answers and presigned object URLs start with it."""
    s3_endpoint: str
    s3_access_key: str = Field(repr=False)
    s3_secret_key: str = Field(repr=False)
    s3_bucket: str = Field("vitrine", validation_alias=AliasChoices("S3_BUCKET", "STORAGE_BUCKET_NAME"))
    s3_region: str = "us-east-1"
    s3_public_url: str | None = None
    """Where browsers reach the object store, if not through the gateway: presigned URLs begin with it."""


class Settings(ObjectStoreSettings):
    """What every service reads; a service adds its own in a subclass. Secrets have no defaults.

    A variable is the field's name in capitals; `validation_alias` lists names that earlier systems used.
    """

    app_env: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    metrics_port: int | None = None
    """Where a worker answers /health, /ready and /metrics; none without it."""
    trusted_proxies: str = "127.0.0.0/8,::1/128"
    """Networks, by comma, whose X-Forwarded-For is believed."""
    docs_enabled: bool | None = None
    """Whether /openapi.json is served; by default everywhere but in production."""

    database_url: str = Field(repr=False)
    database_pool_size: int = 5
    nats_url: str = Field(repr=False)
    """The servers of a cluster by comma, or one name for all of them."""
    nats_replicas: int = Field(1, ge=1, le=5)
    """Copies of every stream: 3 in a cluster."""
    master_key: str = Field(repr=False)
    """32 bytes in URL-safe base64, one per service: wraps the keys of personal data; several by comma to rotate it."""

    max_upload_size_bytes: int = Field(
        10 * 2**20, validation_alias=AliasChoices("MAX_UPLOAD_SIZE_BYTES", "MAX_UPLOAD_SIZE"), gt=0
    )

    jwt_algorithm: Literal["EdDSA", "HS256"] = Field(
        "EdDSA", validation_alias=AliasChoices("JWT_ALGORITHM", "ALGORITHM")
    )
    jwt_private_key: str | None = Field(None, repr=False)
    """Ed25519, PEM; auth alone has it."""
    jwt_secret_key: str | None = Field(
        None, repr=False, validation_alias=AliasChoices("JWT_SECRET_KEY", "SECRET_KEY"), min_length=32
    )
    jwks_url: str | None = None
    jwt_issuer: str = "vitrine"
    jwt_audience: str = "vitrine"
    access_token_expire_minutes: int = Field(30, gt=0)

    rate_limits_enabled: bool = True
    rate_limit_storage_url: str | None = Field(None, repr=False)
    """`redis://…` shares the windows between replicas; without it each process counts for itself."""
    rate_limit_auth: str = "10/minute"
    rate_limit_upload: str = "30/minute"
    rate_limit_process: str = "60/minute"
    rate_limit_read: str = "120/minute"
    rate_limit_write: str = "60/minute"
    rate_limit_orders: str = "10/minute"

    queue_max: int = Field(50, gt=0)
    job_slots: int = Field(4, gt=0)
    job_timeout_seconds: float = Field(120, gt=0)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_dir: str | None = None
    """Adds app.log and errors.log there, a new file every day."""
    otel_exporter_otlp_endpoint: str | None = None

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    @property
    def serves_docs(self) -> bool:
        return not self.production if self.docs_enabled is None else self.docs_enabled

    @model_validator(mode="after")
    def _can_verify_tokens(self) -> Self:
        if self.jwt_algorithm == "HS256" and not self.jwt_secret_key:
            raise ValueError("JWT_ALGORITHM=HS256 needs JWT_SECRET_KEY")
        if self.jwt_algorithm == "EdDSA" and not (self.jwt_private_key or self.jwks_url):
            raise ValueError("set JWKS_URL, or JWT_PRIVATE_KEY in auth")
        return self
