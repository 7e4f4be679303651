"""``roadstead regimes`` on files as people have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.cli_regimes import sparkline


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["regimes", *words])


def told(*words: str) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A port that wakes on 1 August 2023; looks every four days, some that saw half or nothing."""
    rng = np.random.default_rng(3)
    days = pd.date_range("2023-01-01", "2023-12-31", freq="4D")
    seen = rng.choice([1.0, 0.5], len(days), p=[0.8, 0.2])
    counts = rng.poisson(np.where(days < "2023-08-01", 0.05, 1.2) * seen).astype(float)
    seen[7] = 0.0
    table = pd.DataFrame(
        {"day": days.strftime("%Y-%m-%d"), "ships": counts.astype(int).astype(str), "seen": seen}
    )
    table.loc[9, "ships"] = ""
    path = tmp_path_factory.mktemp("looks") / "looks.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    values = np.r_[rng.normal(1100, 130, 28), rng.normal(850, 130, 72)].round()
    path = tmp_path_factory.mktemp("years") / "years.csv"
    pd.DataFrame({"year": range(1871, 1971), "volume": values}).to_csv(path, index=False)
    return path


def test_a_port_that_wakes(looks: Path) -> None:
    found = told(str(looks), "--time", "day", "--value", "ships", "--exposure", "seen")
    assert (found["method"], found["rows"], found["missing"]) == ("counts", 90, 2)
    (change,) = found["changes"]
    assert {"time", "index", "low", "high", "probability", "level_before", "level_after"} <= set(change)
    assert change["low"] <= "2023-08-01" <= change["high"]
    assert pd.read_csv(looks)["day"][change["index"]] == change["time"]
    assert change["level_before"] < 0.2 < 0.8 < change["level_after"]
    assert change["status"] == "confirmed"


def test_as_known_on_a_day_nothing_later_matters(looks: Path, tmp_path: Path) -> None:
    words = ("--time", "day", "--value", "ships", "--exposure", "seen")
    then = told(str(looks), *words, "--as-known-on", "2023-09-20")
    table = pd.read_csv(looks, dtype=str)
    table.loc[table["day"] > "2023-09-20", "ships"] = "9"
    table.to_csv(tmp_path / "other.csv", index=False)
    assert told(str(tmp_path / "other.csv"), *words, "--as-known-on", "2023-09-20") == then
    assert told(str(looks), *words, "--as-known-on", "2023-07-01")["changes"] == []


def test_a_series_by_year(years: Path) -> None:
    found = told(str(years), "--time", "year", "--value", "volume")
    assert found["method"] == "general"
    (change,) = found["changes"]
    assert abs(change["time"] - 1899) <= 3
    assert change["index"] == change["time"] - 1871


def test_rows_need_no_order(years: Path, tmp_path: Path) -> None:
    table = pd.read_csv(years).sample(frac=1, random_state=1)
    table.to_csv(tmp_path / "mixed.csv", index=False)
    (mixed,) = told(str(tmp_path / "mixed.csv"), "--time", "year", "--value", "volume")["changes"]
    (change,) = told(str(years), "--time", "year", "--value", "volume")["changes"]
    assert mixed["time"] == change["time"] == table["year"].iloc[mixed["index"]]


def test_people_get_a_table(years: Path) -> None:
    shown = run(str(years), "--time", "year", "--value", "volume")
    assert shown.exit_code == 0
    assert "100 rows of volume; general method" in shown.stdout
    assert "over 0.99" in shown.stdout


def test_nothing_told_is_said(tmp_path: Path) -> None:
    path = tmp_path / "flat.csv"
    pd.DataFrame({"t": range(40), "v": np.random.default_rng(1).normal(size=40)}).to_csv(path, index=False)
    assert "no change of level can be told" in run(str(path), "--time", "t", "--value", "v").stdout


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("t,v\n1,2\n", ("--value", "x"), "has no column 'x'; it has 't', 'v'"),
        ("t,v\n" + "1,2\n" * 3, ("--value", "v"), "has 3 rows with a 'v'; 6 are needed"),
        ("t,v\n" + "1,2\n" * 3 + "soon,4\n", ("--value", "v"), "'t' in row 3 is 'soon'"),
        ("t,v\n1,2\n2,much\n", ("--value", "v"), "'v' in row 1 is 'much', which is no number"),
        ("t,v\n1,2\n2,inf\n", ("--value", "v"), "'v' in row 1 is 'inf', which is no number"),
        ("t,v,e\n1,2,-1\n", ("--value", "v", "--exposure", "e"), "must not be below 0"),
        ("t,v\n" + "1,2\n" * 9, ("--value", "v", "--as-known-on", "soon"), "'soon' is no number"),
        ("", ("--value", "v"), "is no CSV file with a header"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, text: str, words: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    done = run(str(path), "--time", "t", *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = run(str(tmp_path / "no.csv"), "--time", "t", "--value", "v")
    assert (done.exit_code, "is no file" in done.stderr) == (2, True)


def test_counts_of_one_moment_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("t,v,e\n" + "1,2,1\n" * 9)
    assert told(str(path), "--time", "t", "--value", "v", "--exposure", "e")["changes"] == []


def test_a_line_of_blocks() -> None:
    assert sparkline([0, 1]) == "▁█"
    assert len(sparkline(list(range(500)))) == 60
    assert sparkline([3, 3, 3]) == "▁▁▁"
