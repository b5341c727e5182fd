"""The catalog's worker process: `python -m services.catalog.worker`."""

from libs.common.worker import run_worker
from services.catalog.references.reactions import make_variants
from services.catalog.store import definition

if __name__ == "__main__":
    run_worker(definition, reactions=[make_variants])
