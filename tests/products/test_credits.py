"""Whom to credit, and what may be shown: silence is no permission."""

from __future__ import annotations

import pytest

from tasks.model import Rights, rights_together
from tasks.products.credits import SIMULATED, credit_line, may_be_shown


@pytest.mark.parametrize(
    ("collection", "scene", "platform", "rights", "public", "credit"),
    [
        (
            "sentinel-2-l2a",
            "S2A_52TFM",
            "sentinel-2a",
            Rights("proprietary", "ESA"),
            True,
            "contains modified Copernicus Sentinel data 2023",
        ),
        (
            "ships-in-sentinel-2",
            "x",
            "",
            Rights("CC-BY-NC-ND-4.0", "Lab"),
            False,
            "contains modified Copernicus Sentinel data 2023",
        ),
        ("rtc", "x", "sentinel-1a", Rights(), True, "contains modified Copernicus Sentinel data 2023"),
        (
            "planetscope",
            "2023",
            "0c41",
            Rights("proprietary", "Planet Labs PBC"),
            False,
            "© Planet Labs PBC; proprietary",
        ),
        ("skysat", "2023", "", Rights("CC-BY-4.0", "Planet"), True, "© Planet; CC-BY-4.0"),
        ("maxar", "2023", "", Rights("CC-BY-NC-4.0", "Maxar"), True, "© Maxar; CC-BY-NC-4.0"),
        ("maxar", "2023", "", Rights("CC-BY-ND-4.0", "Maxar"), False, "© Maxar; CC-BY-ND-4.0"),
        ("mine", "2023", "", Rights("CC-BY-4.0; proprietary"), False, "© mine; CC-BY-4.0; proprietary"),
        ("mine", "2023", "", Rights(), False, "© mine; licence not stated"),
        ("planetscope-simulated", "SIMULATED_1", "", Rights(), True, SIMULATED),
    ],
)
def test_who_made_it_and_who_may_see_it(
    collection: str, scene: str, platform: str, rights: Rights, public: bool, credit: str
) -> None:
    assert may_be_shown(collection, scene, platform, rights) is public
    assert credit_line(collection, scene, platform, rights, 2023) == credit


def test_all_licences_of_a_batch_hold() -> None:
    joined = rights_together([Rights("proprietary", "B"), Rights("CC-BY-4.0", "A, B"), Rights()])
    assert joined == Rights("CC-BY-4.0; proprietary", "A, B")
    assert rights_together([]) == Rights()
