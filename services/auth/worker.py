"""Auth's worker process: `python -m services.auth.worker`."""

from libs.common.worker import run_worker
from services.auth.housekeeping import housekeeping
from services.auth.store import definition

if __name__ == "__main__":
    run_worker(definition, running=housekeeping)
