"""The tables of all commands, on screens of three widths.

    python -m tests.screens > screens.txt

Classes are few with short names, eleven with names as long as AudioSet's own, and 527.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np

from audioset_tools.audit.ranking import AuditedClass, NoisyPair
from audioset_tools.audit.run import Audit
from audioset_tools.audit.summary import audit_tables
from audioset_tools.doctor.check import Check, Level, Outcome, checks_table
from audioset_tools.errors.answers import Cause
from audioset_tools.errors.mistakes import Mistakes
from audioset_tools.errors.table3 import (
    Analysis,
    CauseRow,
    MergedAnswer,
    Relabel,
    Rule,
    Verdicts,
    relabel_table,
    table3,
    tied_table,
)
from audioset_tools.export.summary import export_table
from audioset_tools.featurize.summary import featurize_table
from audioset_tools.fetch.estimate.queues import Outlook
from audioset_tools.fetch.estimate.run import Estimate
from audioset_tools.fetch.estimate.summary import estimate_table
from audioset_tools.fetch.progress import ClassProgress, FetchProgress, FetchResult
from audioset_tools.fetch.status import ClassStatus, Status, failures_table, status_tables
from audioset_tools.fetch.summary import fetch_table
from audioset_tools.inspect.clip import ClipFacts, MelFacts
from audioset_tools.inspect.shard import ShardFacts
from audioset_tools.inspect.summary import clip_table, mels_table, shard_tables
from audioset_tools.ledger import State, StateCount
from audioset_tools.ledger.queries import DayCount, FailedCandidate, Standing
from audioset_tools.manifest.compare import ClipCompared, Comparison, Likeness, comparison_tables
from audioset_tools.offset.correlate import Offset
from audioset_tools.offset.summary import offset_table
from audioset_tools.predict.summary import recording_row, recording_tables, recordings_table
from audioset_tools.runs.compare import Compared, Difference, compare_table
from audioset_tools.runs.evaluation import Predictions, judge
from audioset_tools.runs.folder import Prediction
from audioset_tools.runs.spread import Spread, spread_table
from audioset_tools.runs.tables import evaluation_tables
from audioset_tools.shards.shard import ShardHeader, Statistics
from audioset_tools.shards.spec import MelSpec
from audioset_tools.sources.rate import PaceState
from audioset_tools.types import Reason, Table, VideoInfo
from audioset_tools.verify.findings import Finding, Kind, Report, findings_table
from audioset_tools.words import draw_table
from tests.audit.test_suspects import SUSPECT
from tests.errors.mistaken import key_of, mistake
from tests.export.test_summary import DONE
from tests.factories import candidate, clip
from tests.featurize.test_summary import RESULT
from tests.fitting import WIDTHS
from tests.offset.test_summary import estimate
from tests.predict.conftest import heard

FEW = ("Piano", "Drums", "Flute", "Other")

ELEVEN = (
    "Cello",
    "Vibraphone",
    "Acoustic guitar",
    "Electric guitar",
    "Violin, fiddle",
    "Marimba, xylophone",
    "Mallet percussion",
    "Steel guitar, slide guitar",
    "Livestock, farm animals, working animals",
    "Power windows, electric windows",
    "太鼓 (a drum of Japan)",
)

MANY = tuple(f"{ELEVEN[n % 11]}, of the kind {n}" for n in range(527))


SHARD = "paper-c3f71be8/train-00000.h5"


def tables_of(names: Sequence[str]) -> Iterator[tuple[str, Table]]:
    """Each command that prints tables with such classes, and each of these tables."""
    yield from (("fetch", table) for table in _of_fetch(names))
    yield from (("status", table) for table in _of_status(names))
    counts = {split: dict.fromkeys(names, n) for split, n in (("train", 2_000), ("test", 200))}
    yield "featurize", featurize_table(replace(RESULT, clips=counts, waiting=dict.fromkeys(names, 3)))
    yield from (("inspect", table) for table in _of_inspect(names))
    yield from (("evaluate, train", table) for table in _of_runs(names))
    yield from (("predict", table) for table in _of_predict(names))
    yield from (("audit", table) for table in _of_audit(names))
    yield from (("errors", table) for table in _of_errors(names))


def tables_without_classes() -> Iterator[tuple[str, Table]]:
    """The tables of those commands that say nothing of classes."""
    yield (
        "doctor",
        checks_table(
            (
                Check("Python", Outcome(Level.OK, "3.13.3")),
                Check(
                    "JavaScript",
                    Outcome(
                        Level.WARNING,
                        "none of deno, node, bun and quickjs is on the PATH; some videos need one",
                        "Install deno: https://docs.deno.com/runtime/getting_started/installation/",
                    ),
                ),
                Check(
                    "disk", Outcome(Level.PROBLEM, "2.1 GB free in /home/me/audioset", "Free 7.6 GB there.")
                ),
            )
        ),
    )
    yield "export", export_table(DONE)
    clips = [ClipCompared(key_of(n), likeness, "private", 0.25) for n, likeness in enumerate(Likeness)]
    moved = ClipCompared(
        key_of(9), Likeness.SAME_SOUND, "decoded by ffmpeg 5.1.9 soxr, here by libsndfile 1.2.2"
    )
    placed = replace(moved, placed="class Piano there, Livestock, farm animals, working animals here")
    found = Comparison((*clips, placed), (key_of(7), key_of(8)))
    yield from (("verify --against", table) for table in comparison_tables(found))
    missing = (
        Finding(Kind.MISSING, f"clips/Piano/Y{key_of(n)}.wav", "is missing", "Fetch.") for n in range(5)
    )
    stray = Finding(
        Kind.ORPHANED, "shards/paper-c3f71be8/train-00000.h5", "", "audioset-tools verify --repair"
    )
    yield "verify", findings_table(Report(5, 3, (*missing, stray)))
    yield (
        "offset",
        offset_table(estimate(*(Offset(ms, 9.0) for ms in (110, 119, 120, 121, 180)), Offset(-900, 1.1))),
    )


def every_table() -> Iterator[tuple[str, Table]]:
    """The tables of the commands, those with classes for few, eleven and very many."""
    for names in (FEW, ELEVEN, MANY):
        yield from ((f"{command}, {len(names)} classes", table) for command, table in tables_of(names))
    yield from tables_without_classes()


def _of_fetch(names: Sequence[str]) -> Iterator[Table]:
    classes = tuple(ClassProgress(name, 2_400, 1_999, 12, 345, exhausted=False) for name in names)
    reasons = (Reason.REMOVED, Reason.TERMINATED, Reason.GEO_BLOCKED, Reason.BEYOND_END)
    dead = tuple(StateCount(name, State.DEAD, why, 86) for name in names for why in reasons)
    total = 2_400 * len(names)
    progress = FetchProgress(total, total, classes=classes, pace=PaceState(300.0))
    yield fetch_table(FetchResult(progress, dead, attempts=5))
    parts = tuple(Outlook(name, 24_000, 1_999, 12_345) for name in names)
    for rate in (300, None):
        yield estimate_table(Estimate(parts, "class", 0.8, True, rate, 16_000, 270_000, of_list=False))


def _of_status(names: Sequence[str]) -> Iterator[Table]:
    classes = tuple(ClassStatus(name, 2_400, 1_999, 12_345, 12, 345) for name in names)
    reasons = (Reason.PRIVATE, Reason.TOO_MANY_REQUESTS, Reason.UNKNOWN)
    days = tuple(
        DayCount(date(2026, 11, day), None, outcome, why, 1_234)
        for day, why in enumerate(reasons, 1)
        for outcome in ("accepted", "dead", "waiting", "lost", "paused")
    )
    tallies = tuple(StateCount(name, State.DEAD, why, 115) for name in names for why in reasons)
    sources = {(name, source): 1_000 for name in names for source in ("youtube", "hf:confit/audioset-full")}
    yield from status_tables(Status(classes, tallies, days, None, None, sources))
    detail = (
        "ERROR: [youtube] Video unavailable. This video is no longer available because the account is closed"
    )
    one = FailedCandidate(
        candidate("0000000001A", class_name=names[-1]), State.DEAD, Reason.REMOVED, detail, 1, 5.0, None
    )
    other = replace(one, state=State.WAITING, reason=Reason.UNKNOWN, attempts=3)
    yield failures_table([one, other] * 3, 1_000)


def _of_inspect(names: Sequence[str]) -> Iterator[Table]:
    header = ShardHeader(
        "train", "paper", tuple(names), MelSpec(), "c3f71be8", "ab" * 32, "0.1.0", "0.11", False
    )
    bands = np.linspace(0.001, 0.02, 128)
    classes = dict.fromkeys(names, (2000, 4000))
    path = Path("audioset/shards") / SHARD
    keys = tuple(map(key_of, range(5)))
    yield from shard_tables(
        ShardFacts(path, 10**9, header, 4_000, classes, 1, Statistics(4_000, bands, bands), keys)
    )
    one = candidate("0000000001A", class_name=names[-1])
    video = VideoInfo(
        "UC" + "x" * 22, "A channel", "Title of a video, as long as such titles are, and somewhat longer"
    )
    known = Standing(one, State.ACCEPTED, None, "", replace(clip(one), video=video))
    mels = (
        MelFacts(SHARD, 1_234, 0, 1.2e-09, 0.3, 0.012),
        MelFacts(SHARD, 1_235, 1, None, None, None, "damaged"),
    )
    facts = ClipFacts(one.key, known, "train", mels, (SHARD,))
    yield clip_table(facts)
    yield mels_table(facts)


def _of_runs(names: Sequence[str]) -> Iterator[Table]:
    rng, n = np.random.default_rng(0), len(names)
    hot = np.eye(n, dtype=np.uint8)[np.arange(max(200, n)) % n]
    chance = np.clip(0.3 * hot + 0.7 * rng.random(hot.shape), 0, 1)
    keys = tuple(map(key_of, range(len(hot))))
    several = Predictions(keys, keys, hot, chance, 0.5)
    one = replace(several, actual=hot.argmax(axis=1), probability=chance / chance.sum(axis=1, keepdims=True))
    for found in (one, several):
        parts = evaluation_tables(judge(found, tuple(names), "test"))
        yield from (part for part in parts if isinstance(part, Table))
    yield compare_table(
        [_compared(names, name, f1) for name, f1 in (("compact", 0.8), ("paper-bs16-lr0.001", 0.7))]
    )
    yield compare_table([_compared(names, f"crnn-bs64-seed{seed}", 0.8 - seed / 100) for seed in range(9)])
    f1s = (0.8, 0.81, 0.79)
    yield spread_table([Spread(model, (0, 1, 2), f1s, f1s, 200) for model in ("compact", "paper-7")])


def _compared(names: Sequence[str], run: str, f1: float) -> Compared:
    tested = tuple(Prediction(key_of(n), "", (0,), (0,), (1.0,)) for n in range(200))
    return Compared(
        path=Path(run),
        model="crnn",
        parameters=1_234_567,
        rows=40,
        best=39,
        seconds=1_234.5,
        macro_f1=f1,
        interval=(f1 - 0.06, f1 + 0.05),
        micro_f1=f1,
        class_f1=dict.fromkeys(names, f1),
        mean_ap=f1,
        multi_label=True,
        tested=tested,
        difference=None if f1 == 0.8 else Difference(f1 - 0.8, f1 - 0.85, f1 - 0.75),
    )


def _of_predict(names: Sequence[str]) -> Iterator[Table]:
    answers = np.random.default_rng(0).dirichlet([0.1] * len(names), 6)
    timeline = replace(heard(*map(tuple, answers)), class_names=tuple(names))
    yield from recording_tables(timeline)
    yield recordings_table([recording_row(timeline)] * 3)


def _of_audit(names: Sequence[str]) -> Iterator[Table]:
    suspects = tuple(
        replace(SUSPECT, key=key_of(rank), rank=rank, classes=(name,), suggested=(names[0],))
        for rank, name in enumerate(names, 1)
    )
    classes = tuple(AuditedClass(name, 1_000, 30, 25.4) for name in names)
    pairs = tuple(NoisyPair(name, names[0], 25.4, 0.0254) for name in names[1:])
    yield from audit_tables(
        Audit(tuple(names), 2_000, 5, 0, 0.86, classes, pairs, suspects, Path("a/audit.csv"))
    )


def _of_errors(names: Sequence[str]) -> Iterator[Table]:
    yield table3([CauseRow(name, 30, (Fraction(3),) * len(Cause)) for name in names])
    tied = MergedAnswer(mistake(1, names[-1], names[0]), (), tuple(Cause)[:2])
    mistakes = Mistakes(tuple(names), 200, (tied.mistake,), multi_label=False)
    yield tied_table(Analysis(mistakes, Rule.PAPER, Verdicts((tied,), 0), (), (), ()))
    note = "Ada: a voice above it; Bo: two instruments, of which the louder is another one"
    yield relabel_table([Relabel(key_of(1), tuple(Cause)[1], note)])


def main() -> None:
    """Print all tables at each width."""
    found = [*every_table()]
    for width in WIDTHS:
        for command, table in found:
            lines = "\n".join(line.text for line in draw_table(table, width))
            sys.stdout.write(f"{'─' * width}\n{command}, at {width} columns\n\n{lines}\n\n")


if __name__ == "__main__":
    main()
