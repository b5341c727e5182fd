"""The public events as documents, made from the contracts: AsyncAPI 3 for tools, a catalogue for people.

`python -m libs.common.asyncapi docs` writes both there: `asyncapi.json` and `events.md`.
"""

import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from libs.common.cloudevents import CONTENT_TYPE, contracts_of
from libs.common.contracts import PublicEvent
from libs.common.messages import Event

SERVICES = ("auth", "catalog", "analysis", "generation")
Schema = dict[str, Any]

INTRODUCTION = """# Public events

What each service tells the others and whoever else listens. This page is generated from
`libs/common/contracts` by `python -m libs.common.asyncapi docs`; `asyncapi.json` says the same to tools.

An event is a message on the JetStream stream `ev_<service>`, in the order in which it happened. Its subject is its
type, and its body a CloudEvent (1.0, structured mode):

```json
{
  "specversion": "1.0",
  "id": "0199b1c4-7d5e-7cc3-98c4-dc0c0c07398f",
  "source": "/vitrine/catalog",
  "type": "vitrine.catalog.product_deleted.v1",
  "subject": "0199b1c4-7d5e-7cc3-98c4-dc0c0c073990",
  "time": "2026-01-31T12:00:00.000000+00:00",
  "datacontenttype": "application/json",
  "sequence": "00000000000000000042",
  "streamtype": "product",
  "streamversion": 3,
  "correlationid": "0199b1c4-7d5e-7cc3-98c4-dc0c0c073991",
  "causationid": "0199b1c4-7d5e-7cc3-98c4-dc0c0c073992",
  "data": { "owner_id": "0199b1c4-7d5e-7cc3-98c4-dc0c0c073993" }
}
```

- `subject` is the id of what the event happened to, `streamversion` counts its events from 1, and `sequence` is the
  event's place in its service's log: it grows, with holes.
- The header `traceparent` continues the trace of the request that caused the event.
- Delivery is at least once: a stream that was lost is published anew. `id` tells what has been seen.
- A version only ever gains optional fields. A breaking change is a new version, and what was written before stays as it
  was. As long as somebody reads the old version, every event is published in both, one right behind the other with the
  same `id` and `sequence`, the newest first: take the first that you know.
- Personal data is never published.
"""


def document(services: Sequence[str] = SERVICES) -> Schema:
    """An AsyncAPI 3.0 document of everything these services publish."""
    channels: Schema = {}
    operations: Schema = {}
    schemas: Schema = {}
    messages: Schema = {}
    for service, subject, kind in _events(services):
        channels[subject] = {
            "address": subject,
            "title": kind.__name__,
            "messages": {subject: {"$ref": f"#/components/messages/{subject}"}},
        }
        operations[f"publish {subject}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{subject}"},
            "tags": [{"name": service}],
        }
        messages[subject] = {
            "name": subject,
            "title": kind.__name__,
            "summary": _summary(kind),
            "contentType": CONTENT_TYPE,
            "payload": _envelope(service, subject),
        }
        schemas |= _schemas(subject, kind)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Vitrine: public events", "version": "1.0.0"},
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def catalogue(services: Sequence[str] = SERVICES) -> str:
    """A page of Markdown: every event with its fields."""
    lines, heading = [INTRODUCTION], ""
    for service, subject, kind in _events(services):
        if service != heading:
            lines.append(f"## {service}\n\nStream `ev_{service}`, subjects `vitrine.{service}.>`.\n")
            heading = service
        lines.append(f"### {kind.__name__}\n\n`{subject}`\n")
        if summary := _summary(kind):
            lines.append(f"{summary}\n")
        lines += ["| field | type | |", "| --- | --- | --- |", *_rows(_data_schema(kind)), ""]
    return "\n".join(lines)


def _events(services: Sequence[str]) -> Iterator[tuple[str, str, type[Event]]]:
    """Service, subject, class; in the order in which the contracts declare them."""
    for service in services:
        for subject, kind in contracts_of(service).types.items():
            yield service, subject, kind


def _summary(kind: type[Event]) -> str:
    """Its docstring, or that of the event it specialises; and which versions are still published beside it."""
    own = kind.__mro__[: kind.__mro__.index(PublicEvent)]
    described = next((inspect.cleandoc(base.__doc__) for base in own if base.__doc__), "")
    older = ", ".join(f"v{version}" for version in sorted(kind.also_as))
    return f"{described} Still published as {older} too." if older else described


def _data_schema(kind: type[Event]) -> Schema:
    """The schema of what is published: without the personal fields."""
    schema = kind.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    for name in kind.personal_fields():
        del schema["properties"][name]
    return schema


def _schemas(subject: str, kind: type[Event]) -> Schema:
    """The event's own schema under its subject, and those it refers to."""
    schema = _data_schema(kind)
    nested: Schema = schema.pop("$defs", {})
    schema.pop("description", None)
    return nested | {subject: schema}


def _envelope(service: str, subject: str) -> Schema:
    text: Schema = {"type": "string"}
    properties: Schema = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid"},
        "source": {"const": f"/vitrine/{service}"},
        "type": {"const": subject},
        "subject": {"type": "string", "format": "uuid"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "sequence": {"type": "string", "pattern": "^[0-9]{20}$"},
        "streamtype": text,
        "streamversion": {"type": "integer", "minimum": 1},
        "correlationid": text,
        "causationid": text,
        "data": {"$ref": f"#/components/schemas/{subject}"},
    }
    required = [name for name in properties if name != "causationid"]
    return {"type": "object", "properties": properties, "required": required}


def _rows(schema: Schema) -> Iterator[str]:
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        note = "" if name in required else f"default `{orjson.dumps(field.get('default')).decode()}`"
        yield f"| `{name}` | {_type(field)} | {note} |"


def _type(schema: Schema) -> str:
    """A field's type in words; a nested object by its name."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    (directory / "asyncapi.json").write_bytes(orjson.dumps(document(), option=orjson.OPT_INDENT_2) + b"\n")
    (directory / "events.md").write_text(catalogue())
