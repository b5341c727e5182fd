"""The OpenAPI document: every refusal is a Problem, and what needs a login says so."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from libs.common.http.problems import MEDIA_TYPE, FieldError, Problem

SCHEMAS = "#/components/schemas/{model}"
REFUSED: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused: `code` says why to programs, `detail` to people.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMAS.format(model="Problem")}}},
    }
}
"""The `responses` of every route."""
LOGIN: dict[str, Any] = {"security": [{"bearer": []}]}
"""The `openapi_extra` of a route that needs a user."""


def describe(app: FastAPI) -> None:
    """Completes `app.openapi()` with what the routes refer to."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        components.setdefault("securitySchemes", {})["bearer"] = {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
        }
        _, shared = models_json_schema(
            [(Problem, "serialization"), (FieldError, "serialization")], ref_template=SCHEMAS
        )
        components.setdefault("schemas", {}).update(shared["$defs"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]
