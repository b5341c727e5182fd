"""Prints what is installed beside this interpreter as a CycloneDX bill of materials."""

import json
import sys
from importlib.metadata import Distribution, distributions


def component(found: Distribution) -> dict[str, str]:
    name = found.name.lower().replace("_", "-")
    return {
        "type": "library",
        "name": name,
        "version": found.version,
        "purl": f"pkg:pypi/{name}@{found.version}",
    }


def bill() -> dict[str, object]:
    components = sorted((component(found) for found in distributions()), key=lambda part: part["name"])
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1)
