"""The catalog's API process: `uvicorn services.catalog.api:app`."""

from libs.common import accounts
from libs.common.http import create_app
from services.catalog.products import routes as products
from services.catalog.products.questions import answering
from services.catalog.references import routes as references
from services.catalog.store import definition

app = create_app(
    definition,
    [products.routes, references.routes],
    running=answering,
    refused_accounts=accounts.deactivated,
)
