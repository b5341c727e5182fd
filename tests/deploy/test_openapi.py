"""The merged API document."""

from typing import Any

import pytest

from deploy.openapi import merge


def document(paths: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}}


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_schemas_of_one_name_and_content_are_shared() -> None:
    one = document({"/a": {"get": reference("Page")}}, Page={"type": "object"})
    two = document({"/b": {"get": reference("Page")}}, Page={"type": "object"})
    merged = merge({"auth": one, "catalog": two})
    assert merged["components"]["schemas"] == {"Page": {"type": "object"}}
    assert set(merged["paths"]) == {"/a", "/b"}


def test_schemas_of_one_name_and_another_content_keep_apart_with_all_that_refers_to_them() -> None:
    one = document(
        {"/a": {"get": reference("Page")}}, Page={"items": reference("Item")}, Item={"type": "string"}
    )
    two = document(
        {"/b": {"get": reference("Page")}}, Page={"items": reference("Item")}, Item={"type": "integer"}
    )
    merged = merge({"auth": one, "catalog": two})
    assert merged["components"]["schemas"] == {
        "Page": {"items": reference("Item")},
        "Item": {"type": "string"},
        "CatalogPage": {"items": reference("CatalogItem")},
        "CatalogItem": {"type": "integer"},
    }
    assert merged["paths"]["/b"]["get"] == reference("CatalogPage")


def test_services_share_a_path_but_not_an_operation() -> None:
    one, two = document({"/a": {"get": {}}}), document({"/a": {"post": {}}})
    assert set(merge({"auth": one, "catalog": two})["paths"]["/a"]) == {"get", "post"}
    with pytest.raises(ValueError, match=r"catalog offers \['get'\] /a"):
        merge({"auth": one, "catalog": one})
