"""Specifications as YAML: written for people, read back from people who may be hostile.

Scalars follow YAML 1.2's core schema (`no` is a word, a date is text) and the result is always valid JSON.
"""

import re
from typing import Any, Protocol

import pydantic
import yaml

from libs.common.errors import Invalid
from libs.providers.specification import ProductSpec

MAX_CHARACTERS = 100_000
MAX_DEPTH = 16
MAX_NODES = 5_000
MAX_ERRORS = 20

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,2})?")


class _Dumper(yaml.SafeDumper):
    """Puts into quotes also what YAML 1.2 takes for a number, or a reader for the end of a line."""


def _words(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if "\x85" in text else None if _scalar(text) == text else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _words)


class _Mark(Protocol):
    """A place in the text, counted from 0; libyaml and the Python parser have a class each."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


def dump(spec: ProductSpec) -> str:
    """YAML with the keys in the order in which they were written, and only those."""
    document = {"schema": spec.schema_, **spec.model_dump(mode="json", exclude_unset=True)}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def parse_yaml(text: str) -> ProductSpec:
    """Raises `Invalid` whose errors are located as `["yaml_content", line, column]`, both counted from 1."""
    _check_text(text)
    try:
        _check_structure(text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _refusal(error.problem or "not valid YAML", error.problem_mark, "yaml_syntax") from error
    except yaml.YAMLError as error:
        raise _refusal(str(error).splitlines()[0], None, "yaml_syntax") from error
    if not isinstance(root, yaml.MappingNode):
        raise _refusal("a specification is a mapping of keys to values", None, "yaml_type")
    try:
        return ProductSpec.model_validate(_plain(root))
    except pydantic.ValidationError as error:
        raise _schema_refusal(root, error) from error


def _check_text(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise _refusal(f"longer than {MAX_CHARACTERS} characters", None, "yaml_too_long")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _refusal("not valid Unicode", None, "yaml_syntax") from error


def _check_structure(text: str) -> None:
    """Reads events only, which neither recurse nor expand anything, before the document is built."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise _refusal("aliases are not supported", event.start_mark, "yaml_alias")
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.NodeEvent):
            nodes += 1
            depth += isinstance(event, yaml.CollectionStartEvent)
            if getattr(event, "tag", None) is not None:
                raise _refusal("tags are not supported", event.start_mark, "yaml_tag")
        if depth > MAX_DEPTH:
            raise _refusal(f"nested deeper than {MAX_DEPTH} levels", event.start_mark, "yaml_too_deep")
        if nodes > MAX_NODES:
            raise _refusal(f"more than {MAX_NODES} values", event.start_mark, "yaml_too_large")


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    text = _text(node)
    return text if getattr(node, "style", None) else _scalar(text)


def _mapping(node: yaml.MappingNode) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refusal("a key must be a word", key.start_mark, "yaml_type")
        name = _text(key)
        if name in values:
            raise _refusal(f"{name!r} appears twice", key.start_mark, "yaml_duplicate_key")
        values[name] = _plain(value)
    return values


def _text(node: yaml.Node) -> str:
    text: str = node.value
    if "\0" in text:  # PostgreSQL stores it neither in text nor in jsonb
        raise _refusal("the character NUL is not allowed", node.start_mark, "yaml_syntax")
    return text


def _scalar(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _schema_refusal(root: yaml.Node, error: pydantic.ValidationError) -> Invalid:
    found = []
    for item in error.errors(include_url=False, include_input=False)[:MAX_ERRORS]:
        mark = _locate(root, item["loc"])
        path = ".".join(str(part) for part in item["loc"])
        found.append(_located(f"{path}: {item['msg']}", mark, item["type"]))
    return Invalid(f"line {found[0]['loc'][1]}: {found[0]['msg']}", code="invalid_yaml", errors=found)


def _locate(node: yaml.Node, path: tuple[int | str, ...]) -> _Mark:
    """Position of the deepest node of the path that exists in the text."""
    for part in path:
        children = (
            {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        )
        if isinstance(node, yaml.SequenceNode):
            children = dict(enumerate(node.value))
        if part not in children:
            break
        node = children[part]
    return node.start_mark


def _located(message: str, mark: _Mark | None, kind: str) -> dict[str, Any]:
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return {"loc": ["yaml_content", line, column], "msg": message, "type": kind}


def _refusal(message: str, mark: _Mark | None, kind: str) -> Invalid:
    located = _located(message, mark, kind)
    return Invalid(f"line {located['loc'][1]}: {message}", code="invalid_yaml", errors=[located])
