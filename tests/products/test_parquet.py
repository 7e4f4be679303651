"""A table says what its columns mean wherever it is carried, and its geometry is GeoParquet 1.1."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from tasks.products.columns import COLUMNS, TABLES
from tasks.products.parquet import DESCRIPTION, descriptions, write_parquet
from tasks.products.spreadsheets import write_sheets
from tasks.products.tables import PUBLISHED, vessels_table
from tests.products.small_publication import publish
from tests.products.test_tables import vessel


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("published") / "tiny")


def test_every_published_column_is_explained_in_its_file(published: Path) -> None:
    files = sorted(published.glob("*.parquet"))
    assert {f.stem for f in files} == set(PUBLISHED)
    for path in files:
        said = descriptions(path)
        assert [name for name, sentence in said.items() if not sentence] == [], path.name
        assert pq.read_schema(path).metadata[DESCRIPTION].decode() == TABLES[path.stem]
        assert set(said) <= set(COLUMNS[path.stem]), path.name


@pytest.mark.parametrize("name", ["vessels", "stacks"])
def test_other_readers_know_which_columns_are_geometry(published: Path, name: str) -> None:
    """GDAL takes the first geometry for a layer's own, and needs each field's own word for it."""
    schema = pq.read_schema(published / f"{name}.parquet")
    geo = json.loads(schema.metadata[b"geo"])
    columns = [field for field in schema if field.name in geo["columns"]]
    assert columns[0].name == geo["primary_column"]
    for field in columns:
        assert field.metadata[b"ARROW:extension:name"] == b"geoarrow.wkb"
        assert field.metadata[DESCRIPTION]


def test_sentences_are_sentences() -> None:
    for table, columns in COLUMNS.items():
        assert table in TABLES
        for name, sentence in columns.items():
            assert sentence[0].isalnum(), (table, name)
            assert sentence.endswith("."), (table, name)
            unit = {"_m": "metre", "_m2": "square metres", "_deg": "degrees"}
            expected = next((word for ending, word in unit.items() if name.endswith(ending)), "")
            assert expected in sentence.lower(), (table, name)


def test_csv_columns_are_explained_beside_them(published: Path) -> None:
    with (published / "columns.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    said = {(r["file"], r["column"]) for r in rows if r["meaning"]}
    sheets = [p for p in published.glob("*.csv") if p.name != "columns.csv"]
    assert {p.name for p in sheets} == {
        "looks.csv", "vessels.csv", "utilisation.csv", "regimes.csv", "balance.csv", "stays.csv",
    }  # fmt: skip
    for sheet in sheets:
        header = sheet.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
        assert {(sheet.name, column) for column in header} <= said
        assert not header[0].startswith("Unnamed")


def test_csv_says_the_same_as_parquet(published: Path) -> None:
    sheet = pd.read_csv(published / "looks.csv", parse_dates=["acquired"])
    table = pd.read_parquet(published / "looks.parquet")
    assert sheet["vessel_count"].isna().tolist() == table["vessel_count"].isna().tolist()
    assert sheet["vessel_count"].isna().any()
    assert (sheet["acquired"] == table["acquired"]).all()
    assert "2023-10-01 21:31:12" in (published / "looks.csv").read_text()
    ships = pd.read_csv(published / "vessels.csv")
    points = gpd.read_parquet(published / "vessels.parquet").geometry
    assert ships["longitude"].tolist() == pytest.approx(points.x.tolist(), abs=1e-6)
    assert "outline" not in ships


def test_text_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path) -> None:
    hostile = '=HYPERLINK("https://example.org")'
    write_sheets(tmp_path, {"looks": pd.DataFrame({"scene_id": pd.array([hostile, "S1A", None], "string")})})
    with (tmp_path / "looks.csv").open(newline="") as file:
        assert [row[0] if row else "" for row in csv.reader(file)] == ["scene_id", f"'{hostile}", "S1A", ""]


@pytest.mark.parametrize("name", ["vessels", "stacks"])
def test_geometry_is_geoparquet_1_1(published: Path, name: str) -> None:
    path = published / f"{name}.parquet"
    about = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert about["version"] == "1.1.0"
    assert about["primary_column"] == "geometry"
    for column in about["columns"].values():
        assert column["encoding"] == "WKB"
        assert column["crs"]["id"] == {"authority": "EPSG", "code": 4326}
    # Only the first geometry is bounded by `bbox`; a reader that skips rows by it must not be misled.
    assert [n for n, c in about["columns"].items() if "covering" in c] == ["geometry"]
    box = pd.DataFrame(pq.read_table(path, columns=["bbox"])["bbox"].to_pylist())
    assert box.to_numpy() == pytest.approx(gpd.read_parquet(path).geometry.bounds.to_numpy())


def test_a_window_is_read_by_its_bounds(tmp_path: Path) -> None:
    ships = vessels_table([vessel("a", 1, 130.2, 42.2), vessel("b", 7, 130.4, 42.1)])
    write_parquet(tmp_path / "vessels.parquet", ships)
    found = gpd.read_parquet(tmp_path / "vessels.parquet", bbox=(130.1, 42.0, 130.3, 42.3))
    assert found["scene_id"].tolist() == ["a"]
    assert list(found.columns) == list(ships.columns)
    assert shapely.equals_exact(found["outline"].iloc[0], ships["outline"].iloc[0])


@pytest.mark.parametrize("name", ["vessels", "stacks"])
def test_another_reader_finds_no_fault(published: Path, name: str) -> None:
    validator = Path(sys.executable).with_name("geoparquet-validator")
    command = [str(validator), "check", str(published / f"{name}.parquet")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    # Its advice on distribution wants bounds of the outlines too; those of the points find a ship.
    for part in ("core: 13 pass, 0 fail", "covering: 6 pass, 0 fail"):
        assert part in checked.stdout, checked.stdout


def test_an_untouched_publication_is_written_again_byte_for_byte(published: Path, tmp_path: Path) -> None:
    again = publish(tmp_path / "tiny")
    files = [p.relative_to(published) for p in published.rglob("*") if p.is_file()]
    assert len(files) > 20
    assert [f for f in files if (published / f).read_bytes() != (again / f).read_bytes()] == []
