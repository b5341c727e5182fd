"""What analysis stores: its event types and read models, listed."""

from libs.common import accounts
from libs.common.contracts.analysis import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
    SpecificationActivated,
    SpecificationCreated,
)
from libs.common.event_log import EventLog
from libs.common.service import Definition
from libs.refs import products as refs
from services.analysis.jobs import activity
from services.analysis.settings import AnalysisSettings
from services.analysis.specifications import versions

log = EventLog(
    "analysis",
    types=[
        AnalysisRequested,
        AnalysisCompleted,
        AnalysisFailed,
        JobQueued,
        JobStarted,
        JobProgressed,
        JobFinished,
        SpecificationCreated,
        SpecificationActivated,
    ],
    read_models=[
        versions.read_model,
        activity.read_model,
        refs.read_model,
        accounts.read_model("auth"),
    ],
)
definition = Definition("analysis", AnalysisSettings, log)
