"""The job of an analysis: from the pinned photos to a new version of the product's specification."""

from functools import partial
from typing import Any

from libs.common.contracts.analysis import AnalysisRequested
from libs.common.database import Transaction
from libs.common.jobs.work import JobKind, RunningJob
from libs.providers import spec_yaml
from libs.providers.attempts import asking
from libs.providers.base import Hints, KnownSize
from libs.providers.chain import Providers
from libs.providers.pictures import load
from libs.providers.record import CallInfo, passed_over, spent
from libs.providers.specification import ProductSpec
from services.analysis.analyses.domain import JOB_TYPE, Analysis, RecordSpecification, analyses
from services.analysis.specifications.documents import keep
from services.analysis.specifications.domain import AddSpecification, specifications, stream_of


def analysis_job(providers: Providers) -> JobKind[Analysis]:
    return JobKind(JOB_TYPE, analyses, partial(_perform, providers), _conclude)


async def _perform(providers: Providers, job: RunningJob[Analysis]) -> dict[str, Any]:
    request = _request(job)
    described = await job.step("describe", partial(_describe, providers, job, request))
    await job.progress("describe", cost=spent(described["call"]))
    yaml_content = described.pop("yaml_content")
    spec = spec_yaml.parse_yaml(yaml_content)
    facts = await keep(job.service.objects, job.owner_id, request.product_id, yaml_content, spec)
    return described | {"facts": facts}


def _request(job: RunningJob[Analysis]) -> AnalysisRequested:
    assert job.state.request, "what was claimed was requested"
    return job.state.request


async def _describe(
    providers: Providers, job: RunningJob[Analysis], request: AnalysisRequested
) -> dict[str, Any]:
    """The provider's answer as it is journaled: the text, and who wrote it."""
    photos = [await load(job.service.objects, reference) for reference in request.references]
    await job.progress("preprocess")
    async with asking(job, "describe") as asked:
        described = await providers.describe(
            photos,
            _hints(request),
            provider=request.provider,
            model=request.model,
            fallback=request.fallback,
            asking=asked,
        )
    call = _call(described.call, job)
    in_vain = [attempt["provider"] for attempt in call["failed_attempts"]]
    return {
        "yaml_content": spec_yaml.dump(described.value if request.use_template else _known(described.value)),
        "provider": described.call.provider,
        "model": described.call.model,
        "call": call,
        "fallback_from": passed_over(
            described.call.provider, request.fallback_from, request.provider, *in_vain
        ),
    }


def _call(call: CallInfo, job: RunningJob[Analysis]) -> dict[str, Any]:
    """With who was asked in vain in earlier attempts of the job."""
    record = call.record()
    failed = [*job.failed_attempts["describe"], *record["failed_attempts"]]
    return record | {"attempts": job.attempt, "failed_attempts": failed}


def _hints(request: AnalysisRequested) -> Hints:
    known = KnownSize(**request.known_size.model_dump()) if request.known_size else None
    return Hints(title=request.product_title, known_size=known, marker_mm=request.marker_mm)


def _known(spec: ProductSpec) -> ProductSpec:
    """Without what the photos do not tell."""
    return ProductSpec.model_validate(spec.model_dump(mode="json", exclude_unset=True, exclude_none=True))


async def _conclude(tx: Transaction, job: RunningJob[Analysis], described: dict[str, Any]) -> None:
    request = _request(job)
    specification_id = job.id_of("specification")
    facts = described["facts"]
    added = await tx.handle(
        specifications,
        stream_of(request.product_id),
        AddSpecification(
            **facts,
            owner_id=job.owner_id,
            product_id=request.product_id,
            specification_id=specification_id,
            source="analysis",
            image_count=len(request.references),
            analysis_model=described["model"],
            provider=described["provider"],
            job_id=job.job_id,
            activate=request.activate,
        ),
    )
    made = RecordSpecification(
        specification_id=specification_id,
        version=added.state.versions[specification_id].version,
        confidence=facts["confidence_overall"],
        provider=described["provider"],
        model=described["model"],
        call=described["call"],
        fallback_from=described["fallback_from"],
    )
    await tx.handle(analyses, job.job_id, made, known=job.known)
