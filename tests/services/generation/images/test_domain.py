from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from libs.common.contracts.generation import ImageGenerated
from libs.common.errors import Conflict, NotFound
from libs.common.messages import Command
from services.generation.images.domain import (
    AnnotateImage,
    DeleteImage,
    ImageAnnotated,
    ImageDeleted,
    ImageRestored,
    RecordImage,
    RestoreImage,
    images,
)
from tests.spec import Spec

OWNER, STRANGER = UUID(int=1), UUID(int=9)
NOW = datetime(2026, 2, 5, 14, 30, tzinfo=UTC)
LAST_DAY = NOW + timedelta(days=30)
FACTS = {
    "owner_id": OWNER,
    "product_id": UUID(int=2),
    "request_id": UUID(int=3),
    "index": 1,
    "kind": "product_image",
    "key": "k.png",
    "sha256": "5" * 64,
    "content_type": "image/png",
    "file_size_bytes": 1234,
    "width": 1024,
    "height": 1024,
    "seed": 41,
    "prompt": "on snow",
    "aspect_ratio": "1:1",
    "resolution": "1K",
    "provider": "local",
    "model": "classical/1",
    "call": {"latency_ms": 12.5},
}

spec = Spec(images)
generated = ImageGenerated.model_validate(FACTS)
liked = ImageAnnotated(owner_id=OWNER, favourite=True, rating=4, label=None)
deleted = ImageDeleted(owner_id=OWNER, restorable_until=LAST_DAY)


def test_a_picture_is_recorded_once() -> None:
    spec.given().when(RecordImage.model_validate(FACTS)).then(generated)
    spec.given(generated).when(RecordImage.model_validate(FACTS)).then()


def test_an_annotation_sets_only_what_is_given() -> None:
    spec.given(generated).when(AnnotateImage(owner_id=OWNER, favourite=True, rating=4)).then(liked)
    spec.given(generated, liked).when(AnnotateImage(owner_id=OWNER, label=" hero ")).then(
        ImageAnnotated(owner_id=OWNER, favourite=True, rating=4, label="hero")
    )


def test_null_clears() -> None:
    spec.given(generated, liked).when(AnnotateImage(owner_id=OWNER, rating=None)).then(
        ImageAnnotated(owner_id=OWNER, favourite=True, rating=None, label=None)
    )


def test_the_same_annotation_changes_nothing() -> None:
    spec.given(generated, liked).when(AnnotateImage(owner_id=OWNER, rating=4)).then()
    spec.given(generated).when(AnnotateImage(owner_id=OWNER)).then()


def test_it_is_deleted_and_restored_once() -> None:
    spec.given(generated).when(DeleteImage(owner_id=OWNER, restorable_until=LAST_DAY)).then(deleted)
    spec.given(generated, deleted).when(DeleteImage(owner_id=OWNER, restorable_until=LAST_DAY)).then()
    spec.given(generated, deleted).when(RestoreImage(owner_id=OWNER, at=LAST_DAY)).then(
        ImageRestored(owner_id=OWNER)
    )
    spec.given(generated).when(RestoreImage(owner_id=OWNER, at=NOW)).then()


def test_after_its_time_it_stays_deleted() -> None:
    late = RestoreImage(owner_id=OWNER, at=LAST_DAY + timedelta(seconds=1))
    spec.given(generated, deleted).when(late).then_refused(Conflict, "restore_expired")


def test_a_deleted_picture_is_not_annotated() -> None:
    spec.given(generated, deleted).when(AnnotateImage(owner_id=OWNER, rating=1)).then_refused(NotFound)


@pytest.mark.parametrize(
    "command",
    [
        AnnotateImage(owner_id=STRANGER),
        DeleteImage(owner_id=STRANGER, restorable_until=LAST_DAY),
        RestoreImage(owner_id=STRANGER, at=NOW),
    ],
)
def test_a_stranger_finds_nothing(command: Command) -> None:
    spec.given(generated).when(command).then_refused(NotFound, "image_not_found")


def test_an_unknown_picture_is_not_found() -> None:
    spec.given().when(DeleteImage(owner_id=OWNER, restorable_until=LAST_DAY)).then_refused(
        NotFound, "image_not_found"
    )
