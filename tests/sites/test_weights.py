from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import SiteError
from tasks.model import UTILISATION_WEIGHTS, Site
from tasks.sites import bundled_sites, check_file, load_site
from tests.sites.port import port


def write(folder: Path, **members: Any) -> str:
    path = folder / "file.geojson"
    path.write_text(json.dumps({**port(), **members}))
    return str(path)


def test_weights_of_a_file_are_read_and_a_part_not_named_weighs_nothing(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, utilisation_weights={"berths": 3, "rails": 0.5}))
    assert site.weights == {"berths": 3.0, "yards": 0.0, "rails": 0.5}
    assert pickle.loads(pickle.dumps(site)) == site


def test_a_file_that_says_nothing_gets_the_default(tmp_path: Path) -> None:
    assert load_site(write(tmp_path)).weights == UTILISATION_WEIGHTS
    assert load_site(write(tmp_path, utilisation_weights=None)).weights == UTILISATION_WEIGHTS
    assert all(load_site(site).weights == UTILISATION_WEIGHTS for site in bundled_sites())
    assert Site("a", "A", (), "").weights == UTILISATION_WEIGHTS


def test_weights_change_no_mask_and_so_no_digest(tmp_path: Path) -> None:
    plain = load_site(write(tmp_path)).digest
    assert load_site(write(tmp_path, utilisation_weights={"yards": 1})).digest == plain


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"berth": 1}, "'berth' is weighed, but the index has no such part; it has berths, yards, rails"),
        ({"berths": -0.1}, "berths is -0.1; a weight is a number of 0 or more"),
        ({"berths": "half"}, "berths is 'half'"),
        ({"berths": True}, "berths is True"),
        ({"berths": float("nan")}, "berths is nan"),
        ({"berths": 0, "yards": 0}, "all weights are 0; the index needs at least one part"),
        ({}, "utilisation_weights is {}; an object with a number for any of berths, yards, rails is needed"),
        ([0.5, 0.3, 0.2], "utilisation_weights is [0.5, 0.3, 0.2]"),
    ],
)
def test_wrong_weights_are_refused_with_the_reason(tmp_path: Path, given: Any, said: str) -> None:
    file = write(tmp_path, utilisation_weights=given)
    problems = check_file(file)
    assert [p.where for p in problems] == ["utilisation_weights"]
    assert said in problems[0].message
    with pytest.raises(SiteError, match="breaks 1 rule:"):
        load_site(file)
