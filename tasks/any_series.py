"""Anyone's series, from a CSV file to its changes: counts by the exact model, everything else in general."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.errors import InputError
from tasks.science.regimes.changes import changes_of
from tasks.science.regimes.counts import MIN_LOOKS, MOST_COUNT, CountSeries
from tasks.science.regimes.general import MIN_VALUES, find_shifts
from tasks.science.regimes.status import standing_of

Floats = npt.NDArray[np.floating[Any]]

STEP_DAYS = 7.0
"""What the median step of a time column of plain numbers counts as: the prior on changes is on days."""


@dataclass(frozen=True)
class AnySeries:
    """Rows of a file that have a value, in order of time."""

    rows: npt.NDArray[np.int64]
    """0-based row of the file."""

    told: list[Any]
    """The time as the file has it: text of a day or moment, or a number."""

    times: npt.NDArray[np.datetime64]
    values: Floats
    exposure: Floats | None

    missing: int
    """Rows without a value, or that saw nothing."""


def changes_in_file(
    path: Path, time: str, value: str, exposure: str | None = None, as_known_on: str | None = None
) -> dict[str, Any]:
    """Find the changes of level in one column of a CSV file.

    Parameters
    ----------
    path
        CSV with a header.
    time, value, exposure
        Names of columns: days, moments or plain numbers; numbers, empty where nothing was measured; and how
        much each row saw, above 0.
    as_known_on
        Only rows up to then; a day counts to its end.

    Returns
    -------
    dict
        ``changes`` (each with ``time``, ``index``, ``low``, ``high``, ``probability``, ``level_before`` and
        ``level_after``), ``method``, ``rows``, ``missing``, and ``values`` in order of time.

    Raises
    ------
    InputError
        If the file, a column or a cell is not as it must be, or there are too few rows.
    """
    series = _read(path, time, value, exposure, as_known_on)
    least = max(MIN_LOOKS, MIN_VALUES)
    if len(series.values) < least:
        upto = f" up to {as_known_on}" if as_known_on else ""
        raise InputError(f"{path} has {len(series.values)} rows with a {value!r}{upto}; {least} are needed")
    counted = series.exposure is not None and _are_counts(series.values)
    found = list(_of_counts(series) if counted else _in_general(series))
    return {
        "changes": found,
        "method": "counts" if counted else "general",
        "rows": len(series.values),
        "missing": series.missing,
        "values": _rates(series).tolist(),
    }


def _are_counts(values: Floats) -> bool:
    whole = (values >= 0).all() and (values <= MOST_COUNT).all() and (values == np.rint(values)).all()
    return bool(whole)


def _rates(series: AnySeries) -> Floats:
    return series.values if series.exposure is None else series.values / series.exposure


def _of_counts(series: AnySeries) -> Iterator[dict[str, Any]]:
    assert series.exposure is not None
    if series.times[0] == series.times[-1]:
        return
    most = float(series.exposure.max())
    counts = CountSeries(series.times, series.values, series.exposure / most)
    found, order = changes_of(counts), counts.order
    for before, change, after in zip(found.levels[:-1], found.told, found.levels[1:], strict=True):
        stands = standing_of(counts, change)
        low, high = (int(np.searchsorted(counts.times, moment)) for moment in (change.low, change.high))
        yield {
            **_row(series, int(order[change.first]), int(order[low]), int(order[high]), change.probability),
            "level_before": before.mean / most,
            "level_after": after.mean / most,
            "status": stands.status,
            "knowable_on": None if stands.knowable is None else series.told[int(order[stands.knowable])],
        }


def _in_general(series: AnySeries) -> Iterator[dict[str, Any]]:
    for shift in find_shifts(_rates(series)):
        yield {
            **_row(series, shift.index, shift.low, shift.high, shift.probability),
            "level_before": shift.level_before,
            "level_after": shift.level_after,
        }


def _row(series: AnySeries, place: int, low: int, high: int, probability: float) -> dict[str, Any]:
    return {
        "time": series.told[place],
        "index": int(series.rows[place]),
        "low": series.told[low],
        "high": series.told[high],
        "probability": probability,
    }


def _read(path: Path, time: str, value: str, exposure: str | None, as_known_on: str | None) -> AnySeries:
    table = _table(path)
    for name in (time, value, *([exposure] if exposure else [])):
        if name not in table.columns:
            raise InputError(f"{path} has no column {name!r}; it has {', '.join(map(repr, table.columns))}")
    values = _numbers(path, table[value])
    seen: Floats = _numbers(path, table[exposure]) if exposure else np.ones(len(table))
    if exposure and (seen < 0).any():
        row = int(np.flatnonzero(seen < 0)[0])
        raise InputError(f"{path}: {exposure!r} in row {row} is {seen[row]:g}; it must not be below 0")
    held = np.isfinite(values) & np.isfinite(seen) & (seen > 0)
    told, times = _times(path, table[time])
    if as_known_on is not None:
        held_then = times <= _moment(as_known_on, told)
        missing = int((~held & held_then).sum())
        held &= held_then
    else:
        missing = int((~held).sum())
    rows = np.flatnonzero(held)
    rows = rows[np.argsort(times[rows], kind="stable")]
    return AnySeries(
        rows=rows,
        told=[told[row] for row in rows],
        times=_as_days(times[rows]),
        values=values[rows],
        exposure=seen[rows] if exposure else None,
        missing=missing,
    )


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path} is no file")
    try:
        return pd.read_csv(
            path, dtype=str, skipinitialspace=True, keep_default_na=False, encoding="utf-8-sig"
        )
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        raise InputError(f"{path} is no CSV file with a header: {str(fault).splitlines()[0]}") from None


NOTHING = {"", "na", "n/a", "nan", "null", "none", "-", "."}
"""How files write that nothing was measured."""


def _numbers(path: Path, column: pd.Series[str]) -> Floats:
    text = column.str.strip()
    numbers = pd.to_numeric(text.where(~text.str.lower().isin(NOTHING)), errors="coerce").to_numpy(float)
    wrong = ~np.isfinite(numbers) & ~text.str.lower().isin(NOTHING).to_numpy(bool)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"{path}: {column.name!r} in row {row} is {text.iloc[row]!r}, which is no number")
    return numbers


def _times(path: Path, column: pd.Series[str]) -> tuple[list[Any], Any]:
    """Read days, moments or plain numbers; numbers stay numbers."""
    text = column.str.strip()
    numbers = pd.to_numeric(text, errors="coerce")
    if len(text) and numbers.notna().all() and np.isfinite(numbers).all():
        whole = (numbers == np.rint(numbers)).all()
        return [int(v) if whole else float(v) for v in numbers], numbers.to_numpy(float)
    moments = pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601")
    if moments.isna().any():
        wrong = numbers.isna() if numbers.notna().mean() > 0.5 else moments.isna()
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: {column.name!r} in row {row} is {text.iloc[row]!r}; write days as 2023-10-01, moments "
            "as 2023-10-01T04:15, or numbers throughout"
        )
    return list(text), moments.dt.tz_localize(None).to_numpy("datetime64[s]")


def _moment(text: str, told: list[Any]) -> Any:
    if told and not isinstance(told[0], str):
        try:
            return float(text)
        except ValueError:
            raise InputError(f"--as-known-on {text!r} is no number, as the times of the file are") from None
    moment = pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601")
    if pd.isna(moment):
        raise InputError(f"--as-known-on {text!r} is no day or moment; write 2023-10-14 or 2023-10-14T04:15")
    whole_day = pd.Timedelta(days=1, seconds=-1) if len(text) <= len("2023-10-14") else pd.Timedelta(0)
    return np.datetime64((moment + whole_day).tz_localize(None), "s")


def _as_days(times: Any) -> npt.NDArray[np.datetime64]:
    if times.dtype.kind == "M":
        return np.asarray(times, "datetime64[s]")
    steps = np.diff(times)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0
    seconds = np.rint((times - times[:1]) / step * STEP_DAYS * 86_400).astype("timedelta64[s]")
    return np.asarray(np.datetime64("1970-01-01", "s") + seconds)
