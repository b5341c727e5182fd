"""The main job from beginning to end, through the gateway, as a client would do it."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table

from deploy.local.client import Client, Refused
from libs.imaging.contact_sheet import contact_sheet

EMAIL = "demo@example.com"

Json = dict[str, Any]
Stage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    prompt: str
    aspect_ratio: str


SCENES = (
    Scene("marble", "on white marble in soft morning light", "1:1"),
    Scene("wood", "on a rustic wooden table, warm and cosy", "4:5"),
    Scene("podium", "on a podium in a bright studio", "16:9"),
)
SCENES_FROM_ABOVE = (
    Scene("marble", "flat lay on white marble, soft morning light", "1:1"),
    Scene("wood", "flat lay on a rustic wooden table, warm and cosy", "4:5"),
    Scene("tiles", "flat lay on kitchen tiles", "16:9"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A product to create, its photos, what its owner knows better than their analysis, where to show it."""

    title: str
    category: str | None
    photos: tuple[Path, ...]
    correction: Json
    scenes: tuple[Scene, ...] = SCENES


@dataclass(frozen=True, slots=True)
class Picture:
    product: str
    scene: Scene
    facts: Json

    @property
    def file_name(self) -> str:
        return f"{self.product} {self.scene.name}.png".lower().replace(" ", "-")


def sample_subjects() -> list[Subject]:
    """With photos that scikit-image ships, of which nothing else is needed.

    Pictures are made of the cup alone: the others' backgrounds are too busy for the local provider.
    """
    package = find_spec("skimage")
    assert package
    assert package.origin
    data = Path(package.origin).parent / "data"
    stoneware: Json = {"material": {"primary": "glazed stoneware", "confidence": 1.0}}
    motorcycle = (data / "motorcycle_left.png", data / "motorcycle_right.png")
    return [
        Subject("Espresso cup", "Tableware", (data / "coffee.png",), stoneware, SCENES_FROM_ABOVE),
        Subject("Antique coins", "Collectibles", (data / "coins.png",), {}, scenes=()),
        Subject("Motorcycle", "Vehicles", motorcycle, {}, scenes=()),
    ]


def subjects_of(photos: Sequence[Path]) -> list[Subject]:
    """One product for each photo, named after the file."""
    return [Subject(_title(path), None, (path,), {"reviewed": True}) for path in photos]


def _title(path: Path) -> str:
    return path.stem.replace("_", " ").replace("-", " ").strip().capitalize()


class Demo:
    """One run; it tells what it does on the console and keeps the pictures in `output`."""

    def __init__(self, client: Client, console: Console, output: Path) -> None:
        self._client = client
        self._console = console
        self._output = output
        self._steps: list[tuple[str, str, float]] = []

    def run(self, subjects: Sequence[Subject], email: str, password: str) -> None:
        with self._step("Sign up and log in") as done:
            self._log_in(email, password)
            done(f"as {email}")
        products = [self._create(subject) for subject in subjects]
        self._revise(products[0], subjects[0].correction)
        pictures = self._generate(subjects, products)
        self._look_up(products, pictures)
        with self._step("Save the pictures") as done:
            self._save(pictures)
            done(f"in {self._output.resolve()}")
        self._summarise()

    def _log_in(self, email: str, password: str) -> None:
        try:
            self._client.post("/api/v1/auth/register", json={"email": email, "password": password})
        except Refused as refused:
            if refused.status != 409:  # an earlier run registered this account
                raise
        self._client.log_in(email, password)

    def _create(self, subject: Subject) -> Json:
        """A product with its photos and the specification read from them."""
        with self._step(f"{subject.title}: create it, upload its photos") as done:
            body = {"title": subject.title, "category": subject.category}
            product: Json = self._client.post("/api/v1/products", json=body)
            uploads = [("files", (path.name, path.read_bytes())) for path in subject.photos]
            self._client.post(f"/api/v1/products/{product['id']}/upload-references", files=uploads)
            done(", ".join(path.name for path in subject.photos))
        with self._step(f"{subject.title}: analyse them") as done:
            specification = self._client.post(f"/api/v1/products/{product['id']}/analyze")
            done(
                f"specification version {specification['version']}, confidence {specification['confidence']}"
            )
        return product | {"specification": specification}

    def _revise(self, product: Json, correction: Json) -> None:
        """The user corrects the specification, and goes back to the first version."""
        first = product["specification"]
        path = f"/api/v1/products/{product['id']}/specifications"
        self._show_yaml(
            f"{product['title']}, specification version {first['version']}", first["yaml_content"]
        )
        with self._step(f"{product['title']}: correct the specification") as done:
            text = yaml.safe_dump(yaml.safe_load(first["yaml_content"]) | correction, sort_keys=False)
            change = {"yaml_content": text, "change_notes": "What the photos cannot tell"}
            second = self._client.put(f"{path}/{first['specification_id']}", json=change)
            done(f"version {second['version']}: {', '.join(correction)}")
        with self._step(f"{product['title']}: go back to version {first['version']}") as done:
            active = self._client.post(f"{path}/{first['version']}/activate")
            done(f"version {active['version']} is active")

    def _show_yaml(self, title: str, text: str) -> None:
        self._console.rule(title)
        self._console.print(Syntax(text, "yaml", background_color="default", word_wrap=True))
        self._console.rule()

    def _generate(self, subjects: Sequence[Subject], products: Sequence[Json]) -> list[Picture]:
        """Every scene at once; the bars move with the jobs' own events."""
        pairs = zip(subjects, products, strict=True)
        wanted = [(product, scene) for subject, product in pairs for scene in subject.scenes]
        with self._step("Generate pictures") as done, self._bars() as bars, ThreadPoolExecutor() as pool:
            made = list(pool.map(lambda wish: self._picture(bars, *wish), wanted))
            done(f"{len(made)} pictures in {len(SCENES)} scenes")
        return made

    def _picture(self, bars: Progress, product: Json, scene: Scene) -> Picture:
        bar = bars.add_task(f"{product['title']}, {scene.name} {scene.aspect_ratio}", total=None)
        wish = {"prompt": scene.prompt, "aspect_ratio": scene.aspect_ratio, "resolution": "1K"}
        job = self._client.post(f"/api/v1/products/{product['id']}/generate", json=wish)
        for event in self._client.follow(job["job_id"]):
            progress = event["progress"]
            bars.update(bar, completed=progress["completed"], total=progress["total"])
        request = self._client.get(f"/api/v1/generation-requests/{job['request_id']}")
        if not request["images"]:
            raise RuntimeError(f"no picture was made: {request['error_message']}")
        return Picture(product["title"], scene, request["images"][0])

    def _bars(self) -> Progress:
        columns = (
            TextColumn("    {task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        return Progress(*columns, console=self._console)

    def _look_up(self, products: Sequence[Json], pictures: Sequence[Picture]) -> None:
        with self._step("Read the galleries") as done:
            galleries = [
                self._client.get(f"/api/v1/products/{product['id']}/gallery") for product in products
            ]
            done(f"{sum(gallery['total'] for gallery in galleries)} pictures of {len(products)} products")
        with self._step("Ask where a picture comes from") as done:
            path = f"/api/v1/generated-images/{pictures[0].facts['id']}/provenance"
            provenance = yaml.safe_dump(self._client.get(path), sort_keys=False, allow_unicode=True)
            done(pictures[0].file_name)
        self._show_yaml(f"Provenance of {pictures[0].file_name}", provenance)

    def _save(self, pictures: Sequence[Picture]) -> None:
        self._output.mkdir(parents=True, exist_ok=True)
        captioned = []
        for picture in pictures:
            content = self._client.download(picture.facts["url"])
            (self._output / picture.file_name).write_bytes(content)
            captioned.append((f"{picture.product}: {picture.scene.prompt}", content))
        (self._output / "contact-sheet.png").write_bytes(contact_sheet(captioned, columns=len(SCENES)))

    def _summarise(self) -> None:
        table = Table("what was done", "result", title="Summary", title_justify="left")
        table.add_column("seconds", justify="right")
        for title, result, seconds in self._steps:
            table.add_row(title, result, f"{seconds:.1f}")
        self._console.print(table)
        self._console.print(f"Look at [bold]{self._output.resolve() / 'contact-sheet.png'}[/]")

    @contextmanager
    def _step(self, title: str) -> Iterator[Stage]:
        """Times the block and says at its end what `done(...)` was told."""
        results: list[str] = []
        started = time.monotonic()
        yield results.append
        seconds = time.monotonic() - started
        self._steps.append((title, " ".join(results), seconds))
        self._console.print(f"[green]✓[/] {title} [dim]{' '.join(results)} ({seconds:.1f} s)[/]")
