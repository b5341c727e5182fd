"""The pictures of a request in the order that the prompts speak of, and what must be among them."""

from typing import Any

import pytest

from libs.providers.base import Capability, ImageBlob, ImageRequest
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.gemini.provider import GeminiProvider
from libs.providers.openai.provider import OpenAIProvider
from libs.providers.references import arranged, nearest_ratio
from libs.providers.settings import ProviderSettings


def blob(role: Any, width: int = 100, height: int = 100) -> ImageBlob:
    return ImageBlob(b"", "image/png", width, height, role)


def request(*references: ImageBlob, **fields: Any) -> ImageRequest:
    return ImageRequest("x", references, **fields)


def roles(capability: Capability, *references: ImageBlob) -> list[str]:
    return [one.role for one in arranged(capability, request(*references)).references]


def test_what_is_changed_comes_first() -> None:
    assert roles(Capability.EDIT, blob("reference"), blob("parent"), blob("product")) == [
        "parent",
        "reference",
        "product",
    ]


def test_a_person_comes_before_the_garments_and_nobody_else_comes_along() -> None:
    given = [blob("garment"), blob("product"), blob("person"), blob("person"), blob("garment")]
    assert roles(Capability.TRY_ON, *given) == ["person", "garment", "garment"]


def test_the_proportions_are_those_of_the_subject() -> None:
    assert arranged(Capability.EDIT, request(blob("parent", 300, 400))).aspect_ratio == "3:4"
    assert nearest_ratio(blob("parent", 1920, 1080)) == "16:9"
    assert nearest_ratio(blob("parent", 100, 1000)) == "9:16"


def test_a_generation_stays_as_it_is() -> None:
    asked = request(blob("garment", 300, 400), blob("person"))
    assert arranged(Capability.GENERATE, asked) is asked


@pytest.mark.parametrize(
    ("capability", "given", "missing"),
    [
        (Capability.EDIT, ["product"], "parent"),
        (Capability.TRY_ON, ["garment"], "person"),
        (Capability.TRY_ON, ["person"], "garment"),
    ],
)
def test_without_its_subject_nobody_is_asked(capability: Capability, given: list[str], missing: str) -> None:
    with pytest.raises(ProviderError, match=missing) as error:
        arranged(capability, request(*map(blob, given)))
    assert error.value.code == ErrorCode.INVALID


def test_a_drawing_is_changed_by_its_design_alone() -> None:
    asked = request(blob("reference"), design={"schema": "logo-design/1"})
    left = arranged(Capability.EDIT, asked)
    assert (left.design, list(left.references)) == (asked.design, [])


async def test_who_only_changes_pictures_leaves_a_drawing_without_one_to_others() -> None:
    asked = request(design={"schema": "logo-design/1"})
    settings = ProviderSettings(openai_api_key="k", gemini_api_key="k")
    for provider in (OpenAIProvider(settings), GeminiProvider(settings)):
        with pytest.raises(ProviderError) as error:
            await provider.edit(asked, "any")
        await provider.aclose()
        assert error.value.code == ErrorCode.UNSUPPORTED
