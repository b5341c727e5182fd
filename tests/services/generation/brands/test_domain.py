from uuid import UUID

from libs.common.contracts.generation import BrandBrief
from services.generation.brands.domain import BrandProjectCreated, CreateProject, projects
from tests.spec import Spec

FACTS = {
    "owner_id": UUID(int=1),
    "brief": BrandBrief(brand_name="Ember", brief="small batches of coffee"),
    "inspiration": [],
    "request_id": UUID(int=2),
}
spec = Spec(projects)


def test_a_project_is_created_once() -> None:
    spec.given().when(CreateProject(**FACTS)).then(BrandProjectCreated(**FACTS))
    spec.given(BrandProjectCreated(**FACTS)).when(CreateProject(**FACTS)).then()
