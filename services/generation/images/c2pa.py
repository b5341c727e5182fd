"""A picture's provenance in the vocabulary of C2PA 2.1, for tools that read such manifests. Not signed."""

from importlib.metadata import version
from typing import Any

from libs.common.http.bodies import rfc3339
from libs.imaging.metadata import VOCABULARY
from services.generation.images.provenance import Provenance, ReferenceFacts

NOTICE = "Unsigned: these are the recorded facts, without a certificate that proves them."


def manifest(traced: Provenance) -> dict[str, Any]:
    image = traced.image
    return {
        "claim_generator_info": [{"name": "Vitrine", "version": version("vitrine")}],
        "title": image.s3_key.rpartition("/")[2],
        "format": image.content_type,
        "instance_id": f"xmp:iid:{image.id}",
        "assertions": [_actions(traced), _hash(image.s3_key, image.sha256)],
        "ingredients": [*_parents(traced), *(_photo(reference) for reference in traced.references)],
        "signature_info": None,
        "notice": NOTICE,
    }


def _actions(traced: Provenance) -> dict[str, Any]:
    """One action: the picture was created or changed, by whom, from which words and which specification."""
    call, request, specification = traced.call, traced.request, traced.specification
    source = call.get("digital_source")
    action = {
        "action": "c2pa.edited" if traced.parent else "c2pa.created",
        "when": rfc3339(traced.image.created_at),
        "softwareAgent": {"name": call["provider"], "version": call["model"]},
        "digitalSourceType": VOCABULARY + source if source else None,
        "parameters": {
            "prompt": request.final_prompt,
            "prompt_template": request.prompt_template,
            "seed": traced.image.seed,
            "generation_request": str(request.request_id),
            "specification": specification.model_dump(mode="json", exclude={"origin"})
            if specification
            else None,
        },
    }
    return {"label": "c2pa.actions.v2", "data": {"actions": [action]}}


def _hash(name: str, sha256: str) -> dict[str, Any]:
    return {"label": "c2pa.hash.data", "data": {"alg": "sha256", "hash": sha256, "name": name}}


def _parents(traced: Provenance) -> list[dict[str, Any]]:
    if (parent := traced.parent) is None:
        return []
    told = {
        "title": parent.s3_key.rpartition("/")[2],
        "format": parent.content_type,
        "instance_id": f"xmp:iid:{parent.image_id}",
        "relationship": "parentOf",
        "data": _hash(parent.s3_key, parent.sha256)["data"],
    }
    return [told]


def _photo(reference: ReferenceFacts) -> dict[str, Any]:
    uploaded = reference.upload or {}
    return {
        "title": uploaded.get("original_filename") or reference.s3_key.rpartition("/")[2],
        "format": uploaded.get("content_type"),
        "instance_id": f"xmp:iid:{reference.reference_id}",
        "relationship": "inputTo",
        "data": _hash(reference.s3_key, reference.sha256)["data"],
    }
