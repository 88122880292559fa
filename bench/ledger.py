"""The ledger at AudioSet's size: 2,000,000 candidates, our way and the obvious way.

    python bench/ledger.py [--rows N] [--seed S]

Builds a ledger of synthetic candidates in four classes, settles half a million of them, and times what a
fetch and its user ask of it. The obvious way is the table one would write first: the key as primary key,
SQLite's own settings (rollback journal, a full sync at each commit), the next candidate by a filtered sort,
counts by GROUP BY. It runs at the same size in the same process, with as many candidates in the same states.
A column without a figure was not measured. `growth` is by how much the peak of the process's memory rose.
"""

import argparse
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from audioset_tools.fetch.status import read_status, write_failures
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.ledger.queries import failures
from audioset_tools.ledger.schema import seal_of
from audioset_tools.types import Candidate, Clip, Failure, Reason
from audioset_tools.workspace import Workspace

SHARES = {"Piano": 0.005, "Drums": 0.01, "Flute": 0.002, "Other": 0.983}
"""About the genuine lists' shares with the paper's recipe."""

LARGE = "Other"
ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", np.uint8)
FIRST_DAY = 20_000
LATER = 20_100 * 86_400.0


@dataclass(frozen=True)
class World:
    """Synthetic candidates; their ids are one block of bytes, so that they weigh little."""

    ids: bytearray
    sizes: dict[str, int]

    def candidate(self, class_name: str, rank: int) -> Candidate:
        names = list(self.sizes)
        at = 11 * (sum(self.sizes[name] for name in names[: names.index(class_name)]) + rank)
        return Candidate(self.ids[at : at + 11].decode(), 30_000, 40_000, class_name, 3, rank, "eval")

    def candidates(self) -> Iterator[Candidate]:
        at = 0
        for name, size in self.sizes.items():
            for rank in range(size):
                yield Candidate(self.ids[at : at + 11].decode(), 30_000, 40_000, name, 3, rank, "eval")
                at += 11


def make_world(rows: int, seed: int) -> World:
    sizes = {name: int(rows * share) for name, share in SHARES.items() if name != LARGE}
    sizes[LARGE] = rows - sum(sizes.values())
    rng, ids = np.random.default_rng(seed), bytearray()
    # In blocks: the peak of memory must not come from here.
    for start in range(0, rows, 10_000):
        letters = rng.integers(0, 64, (min(10_000, rows - start), 11), np.uint8)
        letters[:, 10] = 0
        ids += ALPHABET[letters].tobytes()
    return World(ids, sizes)


class Obvious:
    """The ledger one would write first."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path)
        self.db.executescript(
            "CREATE TABLE candidate (key TEXT PRIMARY KEY, ytid TEXT, start_ms INTEGER, end_ms INTEGER,"
            " class TEXT, tier INTEGER, rank INTEGER, subset TEXT, state TEXT, reason TEXT, detail TEXT,"
            " attempts INTEGER, tried_at REAL);"
            "CREATE TABLE clip (key TEXT PRIMARY KEY, path TEXT, sha256 TEXT, seconds REAL, peak REAL);"
            "CREATE TABLE event (at REAL, key TEXT, outcome TEXT, reason TEXT, detail TEXT);"
        )

    def load(self, world: World) -> None:
        rows = (
            (c.key, c.ytid, c.start_ms, c.end_ms, c.class_name, c.tier, c.rank, c.subset)
            for c in world.candidates()
        )
        with self.db:
            self.db.executemany(
                "INSERT INTO candidate VALUES (?,?,?,?,?,?,?,?,'queued',NULL,NULL,0,NULL)", rows
            )

    def next_queued(self, class_name: str) -> object:
        return self.db.execute(
            "SELECT * FROM candidate WHERE class = ? AND state = 'queued' ORDER BY rank LIMIT 1",
            (class_name,),
        ).fetchone()

    def accept(self, one: Candidate, clip: Clip, at: float) -> None:
        with self.db:
            self.db.execute(
                "UPDATE candidate SET state = 'accepted', tried_at = ? WHERE key = ?", (at, one.key)
            )
            self.db.execute(
                "INSERT OR REPLACE INTO clip VALUES (?,?,?,?,?)",
                (one.key, clip.path, clip.sha256, clip.seconds, clip.peak),
            )
            self.db.execute("INSERT INTO event VALUES (?,?,'accepted','','')", (at, one.key))

    def fail(self, one: Candidate, failure: Failure, at: float) -> None:
        values = (failure.reason, failure.detail, failure.attempts, at, one.key)
        with self.db:
            self.db.execute(
                "UPDATE candidate SET state = 'dead', reason = ?, detail = ?, attempts = ?, tried_at = ?"
                " WHERE key = ?",
                values,
            )
            self.db.execute("INSERT INTO event VALUES (?,?,'dead',?,'')", (at, one.key, failure.reason))

    def settle(self, ranks: range, state: str, reason: str) -> None:
        settled = "class = ? AND rank >= ? AND rank < ?"
        where = LARGE, ranks.start, ranks.stop
        with self.db:
            self.db.execute(
                "UPDATE candidate SET state = ?, reason = ?, detail = 'gone', tried_at = ?*86400 + rank*3"
                f" WHERE {settled}",
                (state, reason, FIRST_DAY, *where),
            )
            self.db.execute(
                "INSERT INTO event SELECT tried_at, key, state, reason, detail FROM candidate"
                f" WHERE {settled}",
                where,
            )

    def counts(self) -> object:
        return (
            self.db.execute(
                "SELECT class, state, reason, count(*) FROM candidate GROUP BY 1, 2, 3"
            ).fetchall(),
            self.db.execute(
                "SELECT date(at, 'unixepoch'), outcome, count(*) FROM event GROUP BY 1, 2"
            ).fetchall(),
        )

    def failures(self) -> object:
        return self.db.execute(
            "SELECT * FROM candidate WHERE state IN ('dead', 'waiting') ORDER BY tried_at DESC LIMIT 50"
        ).fetchall()


def clip_of(one: Candidate) -> Clip:
    path = f"clips/{one.class_name}/Y{one.key}.wav"
    return Clip(one.key, one.class_name, one.rank, path, "0" * 64, 10.0, 0.5, "youtube visionos 251 opus")


def failure_of(one: Candidate) -> Failure:
    return Failure(one.key, Reason.REMOVED, "Video unavailable. Removed by the uploader", 1, None)


def settle(ledger: Ledger, world: World, ranks: range, state: str, reason: str) -> None:
    """Bring candidates of the large class into a state in one transaction, past the ledger's own methods."""
    number = ledger.class_names.index(LARGE)
    own = "path, sha256, seconds, peak, source, decoder, fingerprint, kept_path, kept_sha256, kept_begins_ms"
    accepted = (
        (number, rank, *row, seal_of(one.ytid, one.start_ms, *row))
        for rank in ranks
        for one in [world.candidate(LARGE, rank)]
        for clip in [clip_of(one)]
        for row in [(clip.path, clip.sha256, clip.seconds, clip.peak, clip.source, "", b"", None, None, None)]
    )
    settled = "class = ? AND rank >= ? AND rank < ?"
    where = number, ranks.start, ranks.stop
    db = sqlite3.connect(ledger.path)
    db.create_function("seal_of", -1, seal_of, deterministic=True)
    with db:
        if state == "accepted":
            db.executemany(
                f"INSERT INTO clip (class, rank, {own}, seal) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                accepted,
            )
        db.execute(
            f"UPDATE candidate SET state = ?, reason = ?, detail = 'gone', attempts = 1 WHERE {settled}",
            (state, reason, *where),
        )
        db.execute(f"UPDATE candidate SET retry_at = rank WHERE {settled} AND state = 'waiting'", where)
        db.execute(
            f"UPDATE candidate SET standing = seal_of(state, reason, detail, attempts, retry_at)"
            f" WHERE {settled}",
            where,
        )
        db.execute(
            "INSERT INTO event (at, class, rank, outcome, reason, detail, seal)"
            " SELECT at, class, rank, state, reason, detail,"
            " seal_of(at, class, rank, state, reason, detail) FROM"
            f" (SELECT CAST({FIRST_DAY} * 86400 + rank * 3 AS REAL) AS at, * FROM candidate WHERE {settled})",
            where,
        )
    db.close()


def peak_mb() -> float:
    # Linux gives kilobytes, macOS bytes.
    return (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    )


class Report:
    """Prints a line a measurement: median and p99, the obvious way's median, how many times that is."""

    def __init__(self) -> None:
        print(f"{'':44}{'median':>12}{'p99':>12}{'obvious':>12}{'times':>9}{'growth':>9}")
        self._peak = peak_mb()

    def times(self, what: str, ours: list[float], theirs: list[float] | None = None) -> None:
        median = statistics.median(ours)
        p99 = sorted(ours)[int(len(ours) * 0.99)] if len(ours) >= 100 else None
        obvious = statistics.median(theirs) if theirs else None
        ratio = "" if obvious is None else f"{obvious / median:,.1f}"
        peak, self._peak = self._peak, peak_mb()
        print(
            f"{what:44}{_span(median):>12}{_span(p99):>12}{_span(obvious):>12}{ratio:>9}"
            f"{self._peak - peak:6.0f} MB",
            flush=True,
        )


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1e3:.3f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def walk(ledger: Ledger, calls: int) -> list[float]:
    """Times of taking candidates one after the other from each queue, as a fetch does."""
    spans = []
    for name in ledger.class_names:
        after = -1
        for _ in range(calls):
            start = time.perf_counter()
            found = ledger.next_queued(name, after)
            spans.append(time.perf_counter() - start)
            after = found.rank if found else after
    return spans


def first(ledger: Ledger, calls: int) -> list[float]:
    """Times of the first question of a process that has just begun."""
    return [timed(lambda: ledger.next_queued(LARGE, -1)) for _ in range(calls)]


def outcomes(ledger: Ledger | Obvious, world: World, ranks: range, accepting: bool) -> list[float]:
    spans = []
    for rank in ranks:
        one, at = world.candidate(LARGE, rank), LATER + rank
        if accepting:
            spans.append(timed(lambda one=one, at=at: ledger.accept(one, clip_of(one), at)))
        else:
            spans.append(timed(lambda one=one, at=at: ledger.fail(one, failure_of(one), at)))
    return spans


def command(workspace: Workspace, *words: str) -> Callable[[], object]:
    line = [sys.executable, "-m", "audioset_tools", "status", "--workspace", str(workspace.root), *words]
    return lambda: subprocess.run(line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def prefix_scan(path: Path) -> list[float]:
    """The first question by the primary key alone, without the index of those not tried yet."""
    db = sqlite3.connect(path)
    number = list(SHARES).index(LARGE)
    question = (
        # The plus keeps SQLite from choosing the index.
        "SELECT ytid FROM candidate WHERE class = ? AND rank > -1 AND +state = 'queued' ORDER BY rank LIMIT 1"
    )
    return [timed(lambda: db.execute(question, (number,)).fetchone()) for _ in range(5)]


def measure(folder: Path, rows: int, seed: int) -> None:
    world, workspace = make_world(rows, seed), Workspace(folder / "ours")
    workspace.prepare()
    report, theirs = Report(), Obvious(folder / "obvious.sqlite")
    origin = Origin("paper", "", "", tuple(world.sizes), seed, (10, 1, 1))
    with Ledger(workspace.ledger) as ledger:
        ours, slow = timed(lambda: ledger.load(origin, world.candidates())), timed(lambda: theirs.load(world))
        report.times(f"load ({rows / ours:,.0f} a second)", [ours], [slow])
        ledger.put("per_class", "2400")
        report.times("next candidate", walk(ledger, 1_000))
        report.times("  from the front, as after a restart", first(ledger, 1_000), next_obvious(theirs))
        both(report, ledger, theirs, world, 0)

        few, many, dead, waiting = (rows * n // 20_000 for n in (96, 1_000, 4_000, 100))
        start = max(4_000, few + 2_000)
        settle(ledger, world, range(4_000, start), "accepted", "")
        report.times(f"clips(), {few:,} accepted", [timed(ledger.clips) for _ in range(5)])

        print(f"\nwith {many:,} accepted, {dead:,} dead and {waiting:,} waiting")
        stops = [start + many - few, start + many - few + dead, start + many - few + dead + waiting]
        for ranks, state, reason in (
            (range(start, stops[0]), "accepted", ""),
            (range(stops[0], stops[1]), "dead", "removed"),
            (range(stops[1], stops[2]), "waiting", "timeout"),
        ):
            settle(ledger, world, ranks, state, reason)
            theirs.settle(range(0 if state == "accepted" else ranks.start, ranks.stop), state, reason)
        report.times("next candidate", walk(ledger, 1_000))
        report.times("  from the front, as after a restart", first(ledger, 1_000), next_obvious(theirs))
        scan = prefix_scan(workspace.ledger)
        report.times("  the same without our index", first(ledger, 1_000), scan)
        report.times("waiting(), once at the start", [timed(lambda: ledger.waiting(LARGE)) for _ in range(5)])
        both(report, ledger, theirs, world, stops[2])

        counts = [timed(theirs.counts) for _ in range(3)]
        report.times(
            "status: its queries", [timed(lambda: look(workspace.ledger)) for _ in range(20)], counts
        )
        report.times("status: the command, beside a writer", [timed(command(workspace)) for _ in range(7)])
        newest = [timed(theirs.failures) for _ in range(3)]
        shown = [timed(lambda: list(islice(failures(ledger), 50))) for _ in range(20)]
        report.times("the newest 50 failures", shown, newest)
        whole = command(workspace, "--failures")
        report.times("status --failures: the command", [timed(whole) for _ in range(7)])
        table = folder / "failures.csv"
        report.times("all failures as CSV", [timed(lambda: write_failures(failures(ledger), table))])
        report.times(f"clips(), {many:,} accepted", [timed(ledger.clips) for _ in range(3)])
    ours_mb, theirs_mb = (path.stat().st_size / 1e6 for path in (workspace.ledger, folder / "obvious.sqlite"))
    print(f"\non disk {ours_mb:.0f} MB, the obvious way {theirs_mb:.0f} MB; peak memory {peak_mb():.0f} MB")


def both(report: Report, ledger: Ledger, theirs: Obvious, world: World, start: int) -> None:
    """Time 2,000 outcomes of each kind, and 200 of each the obvious way, from a rank on."""
    for what, accepting, begin in (("accept", True, start), ("fail", False, start + 2_000)):
        spans = outcomes(ledger, world, range(begin, begin + 2_000), accepting)
        slow = outcomes(theirs, world, range(begin, begin + 200), accepting)
        report.times(f"{what}, one transaction", spans, slow)


def look(path: Path) -> object:
    with Ledger(path, read_only=True) as ledger:
        return read_status(ledger)


def next_obvious(theirs: Obvious) -> list[float]:
    return [timed(lambda: theirs.next_queued(LARGE)) for _ in range(5)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(json.dumps({"rows": arguments.rows, "seed": arguments.seed, "sqlite": sqlite3.sqlite_version}))
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), arguments.rows, arguments.seed)


if __name__ == "__main__":
    main()
