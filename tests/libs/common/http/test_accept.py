"""The form that a client likes best."""

import pytest

from libs.common.http.accept import preferred

JSON, YAML = "application/json", "application/yaml"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("application/yaml", YAML),
        ("Application/YAML; charset=utf-8", YAML),
        ("text/html, application/yaml;q=0.9", YAML),
        ("application/yaml, */*", YAML),
        ("application/json;q=0.4, application/*", YAML),
        ("application/yaml;q=0", JSON),
        ("application/yaml;q=0, */*", JSON),
        ("application/yaml;q=high", JSON),
        ("application/yaml;q=0.5, application/json;q=0.6", JSON),
        ("application/yaml-patch", JSON),
        ("application/json, application/yaml", JSON),
        ("application/*", JSON),
        ("*/*", JSON),
        ("text/html", JSON),
        ("", JSON),
        (";;,;q=,/", JSON),
    ],
)
def test_the_best_liked_is_sent(accept: str, form: str) -> None:
    assert preferred(accept, (JSON, YAML)) == form
