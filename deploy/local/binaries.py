"""Where the wheels put their programs."""

import shutil
import sysconfig
from pathlib import Path


def binary(name: str) -> str:
    """The program of this environment, not one that happens to be on the PATH."""
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    if found is None:
        raise RuntimeError(f"{name} is missing: the embedded stack needs the extra `local`")
    return str(Path(found))
