"""The image's steps without Docker: what its Dockerfile copies is built, and every process is loaded from there."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from uvicorn import main as uvicorn

from deploy import SERVICES
from deploy.local import services as processes
from tests.deploy.compose import ROOT

Stages = dict[str, list[tuple[str, str]]]

PLAIN = r"""
import sys
ALLOWED = set({allowed!r})

class OnlyWhatTheImageHas:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in {known!r} and top not in ALLOWED:
            raise ModuleNotFoundError(f"the image has no {{name}}", name=name)

sys.meta_path.insert(0, OnlyWhatTheImageHas())
"""


def stages() -> Stages:
    """The Dockerfile's instructions by stage, continued lines joined; the last is `runtime`."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy/docker/Dockerfile").read_text())
    found: Stages = {}
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM":
            _, _, alias = rest.partition(" AS ")
            steps = found.setdefault(alias or "runtime", [])
        if name.isupper() and found:
            steps.append((name, rest))
    return found


def ignored(path: Path) -> bool:
    """By .dockerignore, whose last matching line counts."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        whole = any(fnmatch(str(part), pattern) for part in (path, *path.parents))
        anywhere = line.startswith("**/") and any(fnmatch(part, pattern) for part in path.parts)
        if line and not line.startswith("#") and (anywhere or (whole and not line.startswith("**/"))):
            out = not line.startswith("!")
    return out


def copy(source: str, target: Path) -> None:
    """As COPY: a directory's contents into `target`, a file under its name."""
    origin = ROOT / source
    files = [origin] if origin.is_file() else [path for path in origin.rglob("*") if path.is_file()]
    for file in files:
        if not ignored(file.relative_to(ROOT)):
            place = target / (file.relative_to(origin) if origin.is_dir() else file.name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's site-packages, without what others have made: the wheel of what the build stage copies."""
    build, packages = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("site-packages")
    for name, rest in stages()["build"]:
        if name == "COPY":
            *sources, target = shlex.split(rest)
            for source in sources:
                copy(source, build / target)
    command = [sys.executable, "-m", "pip", "wheel", *wheel_options(), "--quiet", "."]
    subprocess.run(command, cwd=build, check=True)
    [wheel] = (build / "dist").glob("*.whl")
    ZipFile(wheel).extractall(packages)
    return packages


def wheel_options() -> list[str]:
    """Those of the Dockerfile."""
    [line] = [rest for name, rest in stages()["build"] if name == "RUN" and " wheel " in rest]
    return shlex.split(line.partition(" wheel ")[2])[:-1]


LOAD = """
import json
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from PIL import ImageFont
from deploy.cli import app
from deploy.local.demo import sample_subjects
names = [f"services.{service}.{process}" for service in %r for process in ("api", "worker")]
files = [import_module(name).__file__ for name in names]
app(["openapi", "--site", "site"], standalone_mode=False)
missing = [str(photo) for subject in sample_subjects() for photo in subject.photos if not photo.is_file()]
print(json.dumps({"files": files, "missing": missing, "font": type(ImageFont.load_default(20)).__name__}))
"""


@pytest.fixture(scope="module")
def loaded(site: Path) -> dict[str, Any]:
    """What Python says with the project from `site`, and nothing but the packages of requirements.lock."""
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    owners = packages_distributions()
    allowed = [
        top for top, names in owners.items() if {re.sub("[-_.]+", "-", n).lower() for n in names} & locked
    ]
    script = PLAIN.format(allowed=[*allowed, "deploy", "libs", "services"], known=list(owners)) + LOAD % (
        SERVICES,
    )
    env = {"PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", script], cwd=site, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.timeout(300)
def test_every_process_and_the_demo_load_from_the_image(site: Path, loaded: dict[str, Any]) -> None:
    assert len(loaded["files"]) == 2 * len(SERVICES)
    assert all(file.startswith(str(site)) for file in loaded["files"])
    assert loaded["font"] == "FreeTypeFont"
    assert loaded["missing"] == []


def test_the_pages_are_written_from_the_image(site: Path, loaded: dict[str, Any]) -> None:
    assert "/api/v1/auth/login" in json.loads((site / "site" / "openapi.json").read_text())["paths"]
    assert (site / "site" / "docs.html").is_file()


def test_what_is_no_code_is_in_the_image(site: Path) -> None:
    assert (site / "deploy" / "uvicorn.json").is_file()
    assert list((site / "libs" / "common" / "migrations").glob("*.sql"))
    for service in SERVICES:
        assert (site / "services" / service / "migrations" / "env.py").is_file()


def test_everything_is_pinned_by_hash() -> None:
    text = (ROOT / "deploy/docker/Dockerfile").read_text()
    assert re.findall(r"^ARG PYTHON=python:\d+\.\d+\.\d+-slim\S*@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(bases) == {"${PYTHON}"}
    assert not re.findall(r"^#\s*syntax\s*=", text, re.MULTILINE), "a frontend is one more image to pull"
    for line in re.findall(r"pip .*install .*", text):
        assert "--require-hashes" in line or "--no-index" in line
    for lock in ("requirements.lock", "deploy/docker/build.lock"):
        requirements = re.split(r"\n(?=\w)", (ROOT / lock).read_text())
        assert all("--hash=sha256:" in block for block in requirements if "==" in block)


def test_a_change_of_the_code_leaves_the_layer_of_the_packages_alone() -> None:
    """By what goes into it: hundreds of megabytes that no machine fetches again."""
    assert [rest for name, rest in stages()["dependencies"] if name == "COPY"] == ["requirements.lock /"]
    copied = [rest for name, rest in stages()["runtime"] if name == "COPY"]
    assert copied == ["--from=dependencies /opt/vitrine /opt/vitrine"]


def test_it_does_not_run_as_root() -> None:
    assert [rest for name, rest in stages()["runtime"] if name == "USER"] == ["10001:10001"]


def test_uvicorn_gets_the_options_of_the_embedded_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by uvicorn's own command line, once from arguments, once from the image's variables."""
    arguments = list(processes.api("auth", 8000, {}).command[3:])
    local = uvicorn.make_context("uvicorn", arguments).params
    [variables] = [rest for name, rest in stages()["runtime"] if name == "ENV"]
    for name, value in (item.split("=", 1) for item in shlex.split(variables)):
        monkeypatch.setenv(name, value.replace("/opt/vitrine/lib/python3.11/site-packages", str(ROOT)))
    image = uvicorn.make_context("uvicorn", ["services.auth.api:app"], auto_envvar_prefix="UVICORN").params
    differ = {name: (value, image[name]) for name, value in local.items() if image[name] != value}
    assert differ == {"host": ("127.0.0.1", "0.0.0.0")}


def test_it_carries_a_bill_of_materials() -> None:
    bill = json.loads(
        subprocess.run(
            [sys.executable, ROOT / "deploy/docker/sbom.py"], capture_output=True, check=True
        ).stdout
    )
    assert bill["bomFormat"] == "CycloneDX"
    parts = {part["purl"].split("@")[0] for part in bill["components"]}
    assert {"pkg:pypi/vitrine", "pkg:pypi/fastapi", "pkg:pypi/pillow"} <= parts
    label = next(rest for name, rest in stages()["runtime"] if name == "LABEL")
    assert 'vitrine.sbom="/opt/vitrine/sbom.cdx.json"' in label
