"""Print constraints.txt: what pyproject.toml resolves to with each of the Pythons named.

``python3 infra/pin.py python3.11 python3.13 >constraints.txt``, the oldest supported one first.
Where they agree a version is pinned for all; where they do not (3.11 holds Zarr, Icechunk and rasterio
back), for each of the two by itself.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HEADER = """\
# The versions that the tests run with. `make` installs with `-c constraints.txt`; who installs Roadstead as a
# library need not. Renew with:
#   python3 infra/pin.py python3.11 python3.13 >constraints.txt && make test
#
# Three caps stand in pyproject.toml because pip's own resolve starts but does not work:
#   prefect>=3.8.8,<3.10   the releases that the schedule test has seen fire
#   fastapi<0.151          with a newer one Prefect's server does not import
#   sqlalchemy<2.1         with 2.1 Prefect's server starts, and schedules silently never fire
"""


def resolve(python: str, requirements: list[str]) -> dict[str, str]:
    """Resolve without installing; name to version."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        report = Path(folder, "report.json")
        pip = [Path(folder, "bin/python"), "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
        subprocess.run([*pip, "--report", report, *requirements], check=True, stdout=sys.stderr)
        chosen = [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    return {item["name"].lower().replace("_", "-"): item["version"] for item in chosen}


def main(oldest: str, newer: str) -> None:
    """Resolve with both and print what to pin."""
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["dev"]
    old, new = resolve(oldest, requirements), resolve(newer, requirements)
    print(HEADER)
    for name in sorted(old | new):
        if name in old and name in new and old[name] != new[name]:
            print(f'{name}=={old[name]} ; python_version < "3.12"')
            print(f'{name}=={new[name]} ; python_version >= "3.12"')
        else:
            print(f"{name}=={old.get(name, new.get(name))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
