"""A reader sees the old publication or the new one: whatever happens in between, never half."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.products.publication import written_aside

OLD, NEW = {"a": "old", "b": "old"}, {"a": "new", "c": "new"}


def contents(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir()}


def fill(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def break_off(folder: Path, fault: BaseException) -> None:
    fill(folder, NEW)
    raise fault


@pytest.mark.parametrize("before", [None, OLD])
def test_the_new_one_takes_its_place(tmp_path: Path, before: dict[str, str] | None) -> None:
    folder = tmp_path / "deep" / "er" / "port"
    if before is not None:
        folder.parent.mkdir(parents=True)
        fill(folder, before)
    with written_aside(folder) as aside:
        assert contents(aside) == {}
        assert folder.exists() == (before is not None)
        fill(aside, NEW)
    assert contents(folder) == NEW
    assert [p.name for p in folder.parent.iterdir()] == ["port"]


@pytest.mark.parametrize("fault", [ValueError("full disk"), KeyboardInterrupt(), SystemExit(1)])
def test_a_fault_leaves_the_old_one(tmp_path: Path, fault: BaseException) -> None:
    fill(tmp_path / "port", OLD)
    with pytest.raises(type(fault)), written_aside(tmp_path / "port") as aside:
        break_off(aside, fault)
    assert contents(tmp_path / "port") == OLD
    assert [p.name for p in tmp_path.iterdir()] == ["port"]


def test_a_fault_takes_away_the_folders_it_made(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    with pytest.raises(ValueError, match="no"), written_aside(tmp_path / "kept" / "deep" / "port"):
        raise ValueError("no")
    assert [p.name for p in tmp_path.rglob("*")] == ["kept"]


def test_a_fault_keeps_folders_in_which_something_else_has_been_put(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), written_aside(tmp_path / "deep" / "port") as aside:
        break_off(aside.parent, ValueError("no"))
    assert {p.name for p in tmp_path.rglob("*")} == {"deep", *NEW}


def test_a_swap_that_fails_brings_the_old_one_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "port", OLD)
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name == ".port.new":
            raise OSError("no space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no space"), written_aside(tmp_path / "port") as aside:
        fill(aside, NEW)
    assert contents(tmp_path / "port") == OLD
    assert [p.name for p in tmp_path.iterdir()] == ["port"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=5))
def test_always_the_last_one_that_ended_well(runs: list[tuple[bool, bool]], tmp_path: Path) -> None:
    """Runs end well or not, and some were killed before them, leaving their folders behind."""
    import shutil

    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    last: dict[str, str] | None = None
    for number, (well, killed_before) in enumerate(runs):
        if killed_before:
            fill(tmp_path / ".port.new", {"half": "written"})
        try:
            with written_aside(tmp_path / "port") as aside:
                fill(aside, {"number": str(number)})
                if not well:
                    raise ValueError
            last = {"number": str(number)}
        except ValueError:
            assert not well
        found = tmp_path / "port"
        assert (contents(found) if found.exists() else None) == last
        assert {p.name for p in tmp_path.iterdir()} <= {"port"}


def test_killed_between_the_two_renames_the_old_one_is_not_lost(tmp_path: Path) -> None:
    """The only moment without a publication: a run killed there leaves the old one aside."""
    fill(tmp_path / ".port.old", OLD)
    fill(tmp_path / ".port.new", NEW)
    with pytest.raises(ValueError, match="no"), written_aside(tmp_path / "port"):
        raise ValueError("no")
    assert contents(tmp_path / "port") == OLD
    assert [p.name for p in tmp_path.iterdir()] == ["port"]
