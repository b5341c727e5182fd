"""The catalog as declared: its name, its event types, its read models."""

from libs.common import accounts
from libs.common.contracts.catalog import (
    ProductChanged,
    ProductCreated,
    ProductDeleted,
    ProductRestored,
    ReferenceChanged,
    ReferenceDeleted,
    ReferenceUploaded,
)
from libs.common.event_log import EventLog
from libs.common.service import Definition
from services.catalog.products.analyses import running_analyses_model
from services.catalog.products.products import products_model
from services.catalog.references.references import references_model
from services.catalog.settings import CatalogSettings

log = EventLog(
    "catalog",
    types=[
        ProductCreated,
        ProductChanged,
        ProductDeleted,
        ProductRestored,
        ReferenceUploaded,
        ReferenceChanged,
        ReferenceDeleted,
    ],
    read_models=[products_model, references_model, running_analyses_model, accounts.read_model("auth")],
)
definition = Definition("catalog", CatalogSettings, log)
