"""Kill what is ingesting at random moments, and look at what is left.

A trial ingests 64 scenes in batches, in a process of its own, until the flow, one of its workers or the
store is killed (``kill -9``). Then the archive must be at a committed state: every batch whole or absent,
none absent that was acknowledged, none damaged; and the same ingest once more must give what it would
have given undisturbed. The moments come from a seed; what they meet does not, so a campaign is many trials.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from flows.cluster import workers
from tasks.archive.ledger import read_ledger
from tasks.archive.store import ArchiveRef
from tasks.archive.verify import verify_repository
from tasks.model import SceneRef
from tests.archive.cubes import BOX, add, content, pixels, scene
from tests.archive.stores import StoreServer

SPAWN = multiprocessing.get_context("spawn")  # forked, Icechunk's threads are missing and it waits for ever

BATCHES, BATCH = 8, 8
"""Two jobs a batch, so that both workers of a small cluster are at work."""

PATIENCE_S = 90
"""Longer than Icechunk tries a store that is away; who has not ended by then hangs."""

Victim = Literal["flow", "worker", "store"]


@dataclass(frozen=True)
class Home:
    """Where archives lie: in a folder, or in a bucket of a server; acknowledgements always in the folder."""

    folder: Path
    server: StoreServer | None = None
    bucket: str = ""

    @property
    def name(self) -> str:
        return self.server.name if self.server else "local disk"

    @property
    def env(self) -> dict[str, str]:
        return self.server.env if self.server else {}

    def archive(self, name: str) -> ArchiveRef:
        return ArchiveRef(f"{self.bucket}/{name}" if self.server else str(self.folder / name), "tiny")


@dataclass(frozen=True)
class Outcome:
    """What one trial left."""

    home: str
    victim: Victim
    seed: int
    at_s: float
    """Seconds after the acknowledgement before."""

    before: int
    """Scenes acknowledged before the kill; all 64 if it came too late to disturb anything."""

    acknowledged: int
    present: int
    ended: str
    """``killed``, ``finished``, ``hung`` or the error with which the ingest gave up."""

    faults: tuple[str, ...]
    """What must never be; empty where all is well."""


@dataclass(frozen=True)
class Race:
    """What several writers to one site left."""

    home: str
    acknowledged: int
    wanted: int
    present: int
    seconds: float
    faults: tuple[str, ...]


def batches() -> list[list[SceneRef]]:
    """The whole ingest: one scene a day."""
    days = [scene(day) for day in range(BATCHES * BATCH)]
    return [days[k : k + BATCH] for k in range(0, len(days), BATCH)]


def undisturbed(folder: Path) -> dict[str, Any]:
    """What an ingest gives that nobody disturbs."""
    ref = Home(folder).archive("undisturbed")
    for batch in batches():
        add(ref, *batch)
    return content(ref)


def ingest(ref: ArchiveRef, journal: Path, cluster: str, env: Mapping[str, str]) -> None:
    """Ingest in a process of its own; a line in the journal when ready, and for every acknowledged batch."""
    quietly(journal, env)
    with workers(cluster, 0) as executor, journal.open("a", buffering=1) as lines:
        warm(executor)
        lines.write("ready\n")
        for batch in batches():
            lines.write(" ".join(add(ref, *batch, executor=executor).written) + "\n")


def commit_each(ref: ArchiveRef, scenes: Sequence[SceneRef], journal: Path, env: Mapping[str, str]) -> None:
    """Commit scenes one by one, in a process of its own."""
    quietly(journal, env)
    with journal.open("a", buffering=1) as lines:
        for one in scenes:
            lines.write(" ".join(add(ref, one).written) + "\n")


def quietly(journal: Path, env: Mapping[str, str]) -> None:
    """Take the store's settings, and keep what dying processes say out of the terminal."""
    os.environ.update(env)
    os.environ["DASK_LOGGING__DISTRIBUTED"] = "critical"
    log = os.open(journal.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stderr.fileno())


def warm(executor: Executor) -> None:
    """Have every worker import what it needs: imports are seconds in which there is nothing to disturb."""
    for future in [executor.submit(pixels, f"warm {k}", "vv", BOX) for k in range(8)]:
        future.result()


def acknowledged(journal: Path) -> list[list[str]]:
    """Batches that were said to be in the archive; a line that was not finished said nothing."""
    lines = journal.read_text().splitlines(keepends=True) if journal.exists() else []
    return [line.split() for line in lines if line.endswith("\n") and line != "ready\n"]


def trial(
    home: Home, name: str, victim: Victim, seed: int, lasts_s: float, reference: Mapping[str, Any]
) -> Outcome:
    """Kill the victim within the time that one of the batches takes, and look; ingest once more, and look."""
    rng = random.Random(seed)
    ref, journal = home.archive(name), home.folder / f"{name}.journal"
    cluster = "local" if victim == "worker" else rng.choice(["none", "local"])
    process = SPAWN.Process(target=ingest, args=(ref, journal, cluster, home.env))
    process.start()
    await_ready(journal, process)
    batch, at_s = rng.randrange(BATCHES), rng.uniform(0, lasts_s / BATCHES)
    while process.is_alive() and len(acknowledged(journal)) < batch:
        time.sleep(0.002)
    time.sleep(at_s)
    before = sum(map(len, acknowledged(journal)))
    kill(victim, home, process, rng)
    process.join(PATIENCE_S)
    ended = how_it_ended(process, journal)
    acked = acknowledged(journal)
    faults = what_is_wrong(ref, acked, reference)
    present = len(read_ledger(ref).scenes)
    for batch in batches():
        add(ref, *batch)
    if content(ref) != reference:
        faults.append("ingested again, the content differs from that of an undisturbed ingest")
    faults += damage(ref)
    if ended == "hung":
        faults.append(f"hung for {PATIENCE_S} s")
    return Outcome(home.name, victim, seed, at_s, before, sum(map(len, acked)), present, ended, tuple(faults))


def kill(victim: Victim, home: Home, process: Any, rng: random.Random) -> None:
    """Kill one of those at work, unless all is done already; a store comes back within a second or so."""
    if victim == "flow":
        process.kill()
    elif victim == "worker":
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(process.pid).children(recursive=True)
            at_work = sorted(p.pid for p in found if "spawn_main" in " ".join(p.cmdline()))
            if at_work:
                psutil.Process(rng.choice(at_work)).kill()
    else:
        assert home.server is not None
        home.server.kill()
        time.sleep(rng.uniform(0, 1))
        home.server.restart()


def await_ready(journal: Path, process: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not (journal.exists() and journal.read_text().startswith("ready\n")):
        if not process.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"the ingest did not begin: {last_words(journal)}")
        time.sleep(0.005)


def how_it_ended(process: Any, journal: Path) -> str:
    if process.is_alive():
        process.kill()
        process.join()
        return "hung"
    return {0: "finished", -9: "killed"}.get(process.exitcode) or last_words(journal)


def last_words(journal: Path) -> str:
    log = journal.with_suffix(".log")
    said = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return next((line for line in reversed(said) if line[:1].isalpha()), "no word")


def what_is_wrong(ref: ArchiveRef, acked: Sequence[Sequence[str]], reference: Mapping[str, Any]) -> list[str]:
    """Hold what is there against what was acknowledged, and against an undisturbed ingest."""
    present = {s.scene_id for s in read_ledger(ref).scenes}
    faults = []
    lost = {one for batch in acked for one in batch} - present
    if lost:
        faults.append(f"acknowledged but not there: {sorted(lost)}")
    for k, batch in enumerate(batches()):
        there = present & {s.scene_id for s in batch}
        if there and len(there) < BATCH:
            faults.append(f"batch {k} is there in part: {sorted(there)}")
        if there and k > len(acked):
            faults.append(f"batch {k} is there, but {len(acked)} were acknowledged")
    found = content(ref) if present else {}
    wrong = sorted(one for one in found if found[one] != reference[one])
    if wrong:
        faults.append(f"not as written: {wrong}")
    return faults + damage(ref) if present else faults


def damage(ref: ArchiveRef) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        return [f"damaged: {one}" for one in verify_repository(ref, pool).damaged]


def how_long(home: Home, name: str, cluster: str) -> float:
    """Seconds that an undisturbed ingest takes, from ready to the last acknowledgement."""
    journal = home.folder / f"{name}.journal"
    process = SPAWN.Process(target=ingest, args=(home.archive(name), journal, cluster, home.env))
    process.start()
    await_ready(journal, process)
    began = time.monotonic()
    while process.is_alive() and len(acknowledged(journal)) < BATCHES:
        time.sleep(0.005)
    lasted = time.monotonic() - began
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"the ingest failed undisturbed: {last_words(journal)}")
    return lasted


def race(home: Home, name: str, writers: int = 4, commits: int = 25) -> Race:
    """Let several processes commit to one site at once; what was acknowledged must be there."""
    ref, scenes = home.archive(name), [scene(day) for day in range(writers * commits)]
    journals = [home.folder / f"{name}-{k}.journal" for k in range(writers)]
    processes = [
        SPAWN.Process(target=commit_each, args=(ref, scenes[k::writers], journal, home.env))
        for k, journal in enumerate(journals)
    ]
    began = time.monotonic()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.monotonic() - began
    acked = {one for journal in journals for batch in acknowledged(journal) for one in batch}
    alone = Home(home.folder).archive(f"{name}-alone")
    add(alone, *scenes)
    faults = [last_words(j) for j, p in zip(journals, processes, strict=True) if p.exitcode != 0]
    found, reference = content(ref), content(alone)
    if lost := acked - set(found):
        faults.append(f"acknowledged but not there: {sorted(lost)}")
    if wrong := sorted(one for one in found if found[one] != reference[one]):
        faults.append(f"not as written: {wrong}")
    return Race(home.name, len(acked), len(scenes), len(found), seconds, tuple(faults + damage(ref)))
