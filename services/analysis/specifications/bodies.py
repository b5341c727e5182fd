"""What a client may send about specifications, and what it gets to see of them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.common.http import Timestamp
from libs.common.values import Text


class EditBody(BaseModel):
    """The whole text of the new version; `change_notes` says what is different and why."""

    model_config = ConfigDict(extra="forbid")
    yaml_content: str
    change_notes: Annotated[Text, StringConstraints(max_length=2000)] | None = None
    activate: bool = True


class SpecificationBody(BaseModel):
    """One version. `source` says whether an analysis or an edit made it, `job_id` which analysis."""

    id: UUID
    specification_id: UUID
    product_id: UUID
    version: int
    is_active: bool
    yaml_content: str
    sha256: str
    s3_key: str
    source: Literal["analysis", "edit"]
    template_version: str
    confidence_overall: float | None
    confidence: float | None
    image_count: int
    analysis_model: str | None
    provider: str | None
    job_id: UUID | None
    change_notes: str | None
    primary_dimensions: dict[str, Any] | None
    primary_colors: list[dict[str, Any]] | None
    material_type: str | None
    created_by: UUID
    created_at: Timestamp


class Compared(BaseModel):
    specification_id: UUID
    version: int


class Difference(BaseModel):
    """`path` is a JSON Pointer into the specification."""

    path: str
    change: Literal["added", "removed", "changed"]
    from_: Any = Field(alias="from")
    to: Any


class DiffBody(BaseModel):
    from_: Compared = Field(alias="from")
    to: Compared
    changes: list[Difference]
