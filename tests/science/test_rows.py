from __future__ import annotations

import pytest

from tasks.science.rows import _joined


@pytest.mark.parametrize(
    ("flags", "joined"),
    [
        ((), ""),
        (("", ""), ""),
        (("", "level", "thin_memory"), "level;thin_memory"),
        (("", "level;thin_memory", "thin_memory"), "level;thin_memory"),
    ],
)
def test_flags_stand_once_and_in_order(flags: tuple[str, ...], joined: str) -> None:
    assert _joined(*flags) == joined
