"""One OpenAPI document for all services, and the pages the gateway serves beside it."""

import json
import shutil
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from deploy import SERVICES
from libs.common import asyncapi

PAGES = Path(__file__).parent / "gateway" / "site"

Document = dict[str, Any]


def document_of(service: str) -> Document:
    """From the application itself, without starting it."""
    document: Document = import_module(f"services.{service}.api").app.openapi()
    return document


def build() -> Document:
    return merge({service: document_of(service) for service in SERVICES})


def merge(documents: Mapping[str, Document]) -> Document:
    """Schemas that share a name but not their content are told apart by their service's name.

    Raises ValueError when two services offer the same operation: the gateway could reach only one of them.
    """
    merged: Document = {
        "openapi": next(iter(documents.values()))["openapi"],
        "info": {"title": "Vitrine", "version": version("vitrine")},
        "paths": {},
        "components": {},
    }
    for service, document in documents.items():
        document = _with_own_names(document, service, merged["components"].get("schemas", {}))
        for path, operations in document["paths"].items():
            known = merged["paths"].setdefault(path, {})
            if clash := known.keys() & operations.keys():
                raise ValueError(f"{service} offers {sorted(clash)} {path}, and another service does too")
            known.update(operations)
        for section, entries in document.get("components", {}).items():
            merged["components"].setdefault(section, {}).update(entries)
    return merged


def write_site(directory: Path) -> None:
    """The API's documents and the pages that show them, with their scripts: nothing comes from another host."""
    shutil.copytree(PAGES, directory, dirs_exist_ok=True)
    assets = files("fastapi_offline") / "static"
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js"):
        (directory / name).write_bytes((assets / name).read_bytes())
    (directory / "openapi.json").write_text(json.dumps(build(), indent=2))
    (directory / "asyncapi.json").write_text(json.dumps(asyncapi.document(), indent=2))


def _with_own_names(document: Document, service: str, taken: Mapping[str, Any]) -> Document:
    """Repeated, because a schema that refers to a renamed one differs from then on as well."""
    schemas = document.get("components", {}).get("schemas", {})
    clashes = [name for name, schema in schemas.items() if taken.get(name, schema) != schema]
    if not clashes:
        return document
    names = {name: f"{service.capitalize()}{name}" for name in clashes}
    text = json.dumps(document)
    for old, new in names.items():
        text = text.replace(f'"#/components/schemas/{old}"', f'"#/components/schemas/{new}"')
    renamed: Document = json.loads(text)
    renamed["components"]["schemas"] = {
        names.get(name, name): schema for name, schema in renamed["components"]["schemas"].items()
    }
    return _with_own_names(renamed, service, taken)
