from pathlib import Path

import orjson
import pytest

from libs.common.asyncapi import SERVICES, catalogue, document
from libs.common.cloudevents import contracts_of

DOCS = Path(__file__).parents[3] / "docs"


def test_the_committed_documents_are_today_s() -> None:
    """If this fails: `python -m libs.common.asyncapi docs`."""
    assert orjson.loads((DOCS / "asyncapi.json").read_bytes()) == document()
    assert (DOCS / "events.md").read_text() == catalogue()


@pytest.mark.parametrize("service", SERVICES)
def test_every_contract_is_a_channel(service: str) -> None:
    described = document([service])
    assert list(described["channels"]) == list(contracts_of(service).types)
    assert described["channels"], f"{service} publishes nothing"


def test_every_reference_leads_somewhere() -> None:
    described = document()

    def follow(node: object) -> None:
        if isinstance(node, list):
            for item in node:
                follow(item)
        elif isinstance(node, dict):
            for name, item in node.items():
                if name == "$ref":
                    target: object = described
                    for step in item.removeprefix("#/").split("/"):
                        assert isinstance(target, dict)
                        assert step in target, item
                        target = target[step]
                follow(item)

    follow(described)


def test_personal_fields_are_not_described() -> None:
    registered = document(["auth"])["components"]["schemas"]["vitrine.auth.account_registered.v1"]
    assert "userid" in registered["properties"]
    assert "email" not in registered["properties"]
