"""HTTP of analyses: accepted at once, answered when the specification is there."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Header
from uuid_utils.compat import uuid7

from libs.common.errors import Conflict, DomainError, Unavailable
from libs.common.http import Accepted, Json, ServiceDep, Tx, policy, router
from libs.common.identity import CurrentUser
from libs.common.jobs import queue
from libs.common.service import Service
from libs.providers.base import Capability
from libs.providers.directory import Directory
from libs.providers.errors import ErrorCode, refusal
from libs.refs.products import ask_product
from services.analysis.analyses.acceptance import pin
from services.analysis.analyses.bodies import AcceptedBody, AnalyzeBody, AnalyzedBody
from services.analysis.analyses.domain import JOB_TYPE, analyses
from services.analysis.jobs.bodies import links_of
from services.analysis.jobs.follow import wait_for_end
from services.analysis.specifications import versions

routes = router("analyses")


@routes.post(
    "/products/{product_id}/analyze", response_model=AnalyzedBody, responses={202: {"model": AcceptedBody}}
)
@policy(limit="process")
async def analyze(
    product_id: UUID,
    user: CurrentUser,
    service: ServiceDep,
    tx: Tx,
    accepted: Accepted,
    body: Annotated[AnalyzeBody, Body(default_factory=AnalyzeBody)],
    prefer: Annotated[str, Header()] = "",
) -> Json:
    """With `Prefer: respond-async`, or when it takes longer than is waited for, the answer is 202."""
    product = await ask_product(service.bus, user.id, product_id)
    choice = Directory.from_settings(service.settings).choose(
        Capability.DESCRIBE, provider=body.provider, model=body.model, fallback=body.fallback
    )
    command = pin(user.id, product, body, choice)
    job_id = uuid7()
    await queue.enqueue(tx, JOB_TYPE, job_id, user.id, service.settings.queue_max)
    await tx.handle(analyses, job_id, command, new=True)
    links = links_of(job_id)
    job = {"job_id": job_id, "status": "queued", "links": links}
    await accepted(job)
    if "respond-async" in prefer.lower():
        return Json(job, 202, {"location": links["job"], "preference-applied": "respond-async"})
    end = await wait_for_end(service, job_id, service.settings.analyze_sync_seconds)
    if end is None:
        return Json(job, 202, {"location": links["job"]})
    return await _made(service, user.id, job, end.body)


async def _made(service: Service[Any], owner_id: UUID, job: dict[str, Any], end: dict[str, Any]) -> Json:
    if end["type"] == "job_failed":
        why = end["data"]
        raise _refusal(why["code"], why["detail"], why["retryable"])
    made = end["data"]
    row = await versions.find(service.db, owner_id, None, UUID(made["specification_id"]))
    location = f"/api/v1/products/{row['product_id']}/specifications/{row['version']}"
    body = {
        "specification_id": row["specification_id"],
        "version": row["version"],
        "yaml_content": row["yaml_content"],
        "confidence": row["confidence_overall"],
        "provider": made["provider"],
        "model": made["model"],
        "provider_fallback_from": made["provider_fallback_from"],
        **job,
        "status": "completed",
    }
    return Json(body, 200, {"location": location})


def _refusal(code: str, detail: str, retryable: bool) -> DomainError:
    """Why there is no specification, for a caller who has waited for it."""
    if code == "cancelled":
        return Conflict("the analysis was cancelled", code=code)
    if code in set(ErrorCode):
        return refusal(ErrorCode(code), detail, retry_after=5 if retryable else None)
    return Unavailable(detail, code=code, retry_after=5) if retryable else Conflict(detail, code=code)
