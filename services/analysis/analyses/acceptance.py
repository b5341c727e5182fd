"""Accepting an analysis: everything it will use is pinned before anything is written."""

from uuid import UUID

from libs.common.contracts.analysis import PinnedReference
from libs.common.errors import Conflict, Invalid
from libs.providers.directory import Choice
from libs.refs.products import Product
from services.analysis.analyses.bodies import MOST_IMAGES, AnalyzeBody
from services.analysis.analyses.domain import RequestAnalysis


def pin(owner_id: UUID, product: Product, body: AnalyzeBody, choice: Choice) -> RequestAnalysis:
    """Raises Conflict (no_reference_images) and Invalid (unknown_image)."""
    return RequestAnalysis(
        owner_id=owner_id,
        product_id=product.product_id,
        product_title=product.title,
        references=_references(product, body.image_ids),
        template_version=body.template_version,
        use_template=body.use_template,
        activate=body.activate,
        provider=choice.provider,
        model=choice.model,
        fallback=body.fallback,
        fallback_from=choice.fallback_from,
        known_size=body.known_size,
        marker_mm=body.marker_mm,
    )


def _references(product: Product, image_ids: list[UUID] | None) -> list[PinnedReference]:
    if not product.references:
        raise Conflict("upload a photo of the product first", code="no_reference_images")
    if image_ids is None:
        return product.references[:MOST_IMAGES]
    unknown = set(image_ids) - {reference.reference_id for reference in product.references}
    if unknown:
        errors = [
            {"loc": ["body", "image_ids", index], "msg": "not a photo of this product", "type": "value_error"}
            for index, image_id in enumerate(image_ids)
            if image_id in unknown
        ]
        raise Invalid(
            "image_ids: not all of them are photos of this product", code="unknown_image", errors=errors
        )
    return [reference for reference in product.references if reference.reference_id in image_ids]
