"""A few lines say what a publication tells: gaps are gaps, and what is not known is not drawn."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flows import terminal
from flows.summary import GAP, LEVELS, PLAIN_GAP, PLAIN_LEVELS, sparkline, summary_lines
from tests.products.small_publication import publish

shares = st.lists(st.none() | st.floats(0, 1e6), max_size=40)


@given(values=shares, plain=st.booleans())
def test_one_sign_per_number_gaps_apart_and_higher_is_higher(values: list[float | None], plain: bool) -> None:
    drawn = sparkline(values, plain=plain)
    levels, gap = (PLAIN_LEVELS, PLAIN_GAP) if plain else (LEVELS, GAP)
    assert len(drawn) == len(values)
    assert [sign == gap for sign in drawn] == [v is None for v in values]
    heights = sorted((v, levels.index(s)) for v, s in zip(values, drawn, strict=True) if v is not None)
    assert [h for _, h in heights] == sorted(h for _, h in heights)
    assert all(height == 0 for v, height in heights if v == 0)


def month(start: str, zone: str = "*", **values: Any) -> dict[str, Any]:
    told = dict.fromkeys(("index", "occupancy_mean", "fill_mean", "vessels_mean"))
    return {"zone_id": zone, "period": "month", "start": pd.Timestamp(start).date()} | told | values


def regime(state: str, start: str, low: str | None, **values: Any) -> dict[str, Any]:
    times = {"start": pd.Timestamp(start), "start_low": pd.Timestamp(low), "start_high": pd.Timestamp(start)}
    return {
        "zone_id": "*", "measure": "vessels_at_berth", "state": state, "status": "confirmed",
        "probability": 0.98,
    } | times | values  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication whose months and regimes are known."""
    folder = publish(tmp_path_factory.mktemp("summary") / "tiny")
    starts = ["2023-08-01", "2023-09-01", "2023-10-01", "2023-11-01"]
    index = [10.0, None, 20.0, 40.0]
    pd.DataFrame(
        [month(s, index=i, occupancy_mean=0.05) for s, i in zip(starts, index, strict=True)]
    ).to_parquet(folder / "utilisation.parquet")
    regimes = [regime("dormant", "2023-08-01", None), regime("active", "2023-10-04", "2023-09-29")]
    pd.DataFrame(regimes).to_parquet(folder / "regimes.parquet")
    return folder


def test_last_look_regime_and_months(published: Path) -> None:
    assert summary_lines(published) == [
        "tiny: last look 25 Oct 2023 21:31 UTC (radar); 6 looks since 1 Oct 2023, 6 told something",
        "  regime: active since 4 Oct 2023 (29 Sep 2023 – 4 Oct 2023), confirmed, probability 0.98; "
        "before: dormant",
        "  utilisation index: ▃·▅█  Aug 2023 – Nov 2023, 10 to 40, · not told (1)",
        "  quay taken: ████  Aug 2023 – Nov 2023, 5 to 5 %",
    ]


def test_a_terminal_without_unicode_gets_ascii(published: Path) -> None:
    lines = summary_lines(published, plain=True)
    assert "".join(lines).isascii()
    assert lines[2] == "  utilisation index: 3.58  Aug 2023 - Nov 2023, 10 to 40, . not told (1)"


def test_what_no_look_could_tell_is_said(tmp_path: Path) -> None:
    lines = summary_lines(publish(tmp_path / "tiny"))
    assert lines[1] == "  regime: too few looks to tell"
    assert lines[2].startswith("  vessels per look in harbour: █  Oct 2023 – Oct 2023")
    assert summary_lines(tmp_path / "none") == []


@pytest.mark.parametrize("on_a_terminal", [False, True])
def test_plain_in_a_pipe_and_without_colour_where_none_is_wanted(
    published: Path, monkeypatch: pytest.MonkeyPatch, on_a_terminal: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    written = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    console = Console(file=written, force_terminal=on_a_terminal, soft_wrap=True)
    monkeypatch.setattr(terminal, "out_console", console)
    terminal.print_summary(published)
    written.seek(0)
    told = written.read()
    assert "▃·▅█" in told
    assert "\x1b[3" not in told
    assert on_a_terminal or "\x1b" not in told


def test_an_old_encoding_gets_ascii(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(terminal, "out_console", Console(file=written, soft_wrap=True))
    terminal.print_summary(published)
    written.seek(0)
    assert "3.58" in written.read()
