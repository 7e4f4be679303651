"""Write a publication aside and swap it in: a reader sees the old one or the new one, never half."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder` that takes its place if the block ends well.

    On an exception the new folder is taken away and the old one stays as it was.
    """
    aside, old = (folder.with_name(f".{folder.name}.{suffix}") for suffix in ("new", "old"))
    if old.exists() and not folder.exists():
        old.rename(folder)  # a run was killed between its two renames
    for leftover in (aside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    made = [p for p in (folder.parent, *folder.parent.parents) if not p.exists()]
    aside.mkdir(parents=True)
    try:
        yield aside
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)
