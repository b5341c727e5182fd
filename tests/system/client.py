"""A client as an app developer would write one: it repeats what was not answered, under the same Idempotency-Key."""

import asyncio
import io
import random
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image, ImageDraw

PASSWORD = "correct horse battery staple"
PATIENCE = 240.0
TRY_AGAIN = {502, 503, 504}


def photo(seed: int = 0, size: int = 320) -> bytes:
    """A small drawn mug on a plain backdrop: quick to segment, and different for every seed."""
    paint = random.Random(seed)
    image = Image.new("RGB", (size, size), (238, 238, 236))
    colour = tuple(paint.randrange(20, 200) for _ in range(3))
    draw = ImageDraw.Draw(image)
    draw.rectangle((size * 0.3, size * 0.3, size * 0.62, size * 0.75), fill=colour)
    draw.arc((size * 0.55, size * 0.38, size * 0.78, size * 0.66), 260, 100, fill=colour, width=size // 20)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Client:
    """One signed-in user."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=30)
        self.answers: list[int] = []
        """The status of every answer, outages included."""
        self.disturbances: list[str] = []
        """What had to be repeated, and why."""
        self.token = ""

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def sign_in(self) -> "Client":
        """As a user nobody has heard of."""
        email = f"{uuid4().hex[:12]}@example.org"
        await self.post("/auth/register", json={"email": email, "password": PASSWORD, "full_name": "Ada"})
        await self.log_in(email=email, password=PASSWORD)
        return self

    async def log_in(self, **credentials: str) -> None:
        """From now on requests are this account's."""
        self.token = (await self.post("/auth/login", json=credentials))["access_token"]
        self._http.headers["Authorization"] = f"Bearer {self.token}"

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, one answer; problems are answers too."""
        prefixed = path if path.startswith(("/ready", "/health", "/openapi")) else f"/api/v1{path}"
        response = await self._http.request(method, prefixed, **options)
        self.answers.append(response.status_code)
        return response

    async def persist(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Repeats a request until it is answered by other than an outage."""
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                response = await self.request(method, path, headers=headers, **options)
                if response.status_code not in TRY_AGAIN:
                    return response
                why = response.text
            except httpx.TransportError as error:
                why = repr(error)
            self.disturbances.append(f"{method} {path}: " + why.partition(',"trace_id"')[0])
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"{method} {path}: {why}")
            await asyncio.sleep(0.2)

    async def get(self, path: str, **params: Any) -> Any:
        response = await self.persist("GET", path, params=params)
        assert response.is_success, f"GET {path}: {response.status_code} {response.text}"
        return response.json()

    async def post(self, path: str, **options: Any) -> Any:
        response = await self.persist("POST", path, **options)
        assert response.is_success, f"POST {path}: {response.status_code} {response.text}"
        return response.json()

    async def specification(self, seed: int = 0) -> str:
        """Photo in, specification out; the product's id."""
        product: str = (await self.post("/products", json={"title": f"Mug {seed}"}))["id"]
        files = [("files", (f"mug-{seed}.png", photo(seed), "image/png"))]
        await self.post(f"/products/{product}/upload-references", files=files)
        analysis = await self.post(f"/products/{product}/analyze", json={})
        if "specification_id" not in analysis:
            await self.finished(analysis["job_id"])
        return product

    async def main_job(self, seed: int = 0, pictures: int = 1) -> "MainJob":
        """Photo in, specification and pictures out: accepted, not awaited."""
        product = await self.specification(seed)
        body = {"prompt": "on a marble countertop", "count": pictures, "resolution": "1K", "seed": seed}
        accepted = await self.post(f"/products/{product}/generate", json=body)
        return MainJob(product, accepted["request_id"], pictures)

    async def finished(self, job_id: str) -> Any:
        """The job once it is over."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            job = await self.get(f"/jobs/{job_id}")
            if job["status"] in ("completed", "failed", "cancelled"):
                return job
            assert asyncio.get_running_loop().time() < deadline, job
            await asyncio.sleep(0.2)


class MainJob:
    def __init__(self, product: str, request: str, pictures: int) -> None:
        self.product = product
        self.request = request
        self.pictures = pictures

    async def assert_exactly_one_result(self, client: Client) -> None:
        """One specification, every picture once, and all of them in the gallery."""
        job = await client.finished(self.request)
        assert job["status"] == "completed", job
        request = await client.get(f"/generation-requests/{self.request}")
        assert sorted(image["generation_index"] for image in request["images"]) == list(
            range(1, self.pictures + 1)
        )
        assert (await client.get(f"/products/{self.product}/gallery"))["total"] == self.pictures
        await assert_exactly_one_specification(client, self.product)


async def assert_exactly_one_specification(client: Client, product: str) -> None:
    specifications = await client.get(f"/products/{product}/specifications")
    assert [version["version"] for version in specifications["items"]] == [1]
    assert len((await client.get(f"/products/{product}/references"))["items"]) == 1
