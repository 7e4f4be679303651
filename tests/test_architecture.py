"""Who may import whom, what the wheel holds, and nothing of the machine it was written on."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["flows", "tasks"]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    # A process of its own, started in the tree: there the packages of that folder come first.
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_contracts_are_kept() -> None:
    run = lint_imports(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("module", "line", "named"),
    [
        ("tasks/science/planted.py", "import prefect", "tasks.science.planted -> prefect"),
        ("tasks/science/planted.py", "import zarr", "tasks.science.planted -> zarr"),
        ("tasks/science/planted.py", "import tasks.archive", "tasks.science.planted -> tasks.archive"),
        ("tasks/archive/planted.py", "import flows", "tasks.archive.planted -> flows"),
    ],
)
def test_a_planted_import_is_named(copy: Path, module: str, line: str, named: str) -> None:
    (copy / module).write_text(f'"""Planted."""\n\n{line}\n')
    run = lint_imports(copy)
    assert run.returncode == 1, run.stdout + run.stderr
    assert named in run.stdout


def test_a_module_must_declare_its_level(copy: Path) -> None:
    (copy / "tasks/planted.py").write_text('"""Planted."""\n')
    run = lint_imports(copy)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "planted" in run.stdout


def test_the_wheel_holds_both_packages_and_the_command() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert config["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == PACKAGES
    assert config["project"]["scripts"] == {"roadstead": "flows.cli:app"}


def test_no_flow_is_named_after_a_standard_module() -> None:
    # A flow loaded by file puts its folder first on the path: flows/calendar.py would be everyone's calendar.
    assert not {path.stem for path in (ROOT / "flows").glob("*.py")} & sys.stdlib_module_names


def test_no_file_names_a_folder_of_one_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: cannot tell the project's files from others")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    private = re.compile(rb"(?<![\w.:/*-])/(?:work|root|home|Users)/\w")
    files = [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    assert [str(path) for path in files if private.search(path.read_bytes())] == []
