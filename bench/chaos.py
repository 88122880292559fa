"""Fetches killed at random instants among random disasters: do they end with the clips of an undisturbed one?

    python bench/chaos.py [--kills 200] [--seed S] [--per-class N]

One fetch runs undisturbed against the simulator. Then others run in workspaces of their own, each killed with
SIGKILL again and again at random instants until it is complete; before every third life comes one of the
disasters of `bench/disasters.py`, and the remote refuses now and then. Rounds go on until there were as many
kills as asked for. Each round's clips and ledger are compared with the undisturbed one's, byte for byte; any
difference makes the exit code 1.
"""

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from disasters import DISASTERS, Round, calm

from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists

WIDTHS = (5, 5, 5, 5, 8, 11, 5, 6, 8)
CLASSES = ("Piano", "Drums", "Flute", "Other")
SHARES = {
    **{"removed": 0.08, "private": 0.05, "terminated": 0.03, "silent": 0.03, "beyond-end": 0.02},
    **{"media-503": 0.03, "truncate": 0.03, "reset": 0.03, "player-503": 0.03, "stall": 0.02},
}


def outcome(workspace: Path) -> dict[str, bytes]:
    """Every clip's bytes by its path, and every row of the ledger that tells what became of whom."""
    found = {
        str(path.relative_to(workspace)): path.read_bytes() for path in (workspace / "clips").rglob("*.wav")
    }
    with closing(sqlite3.connect(workspace / "ledger.sqlite")) as db:
        for row in db.execute("SELECT class, rank, ytid, state, reason FROM candidate"):
            found[f"candidate {row[0]} {row[1]}"] = repr(row).encode()
        # Not by which extraction: where the remote refuses one for a moment, the other answers.
        for *row, source in db.execute("SELECT class, rank, path, sha256, seconds, peak, source FROM clip"):
            found[f"clip {row[0]} {row[1]}"] = repr((row, source.partition(" by ")[0])).encode()
    return found


def compare(calm: dict[str, bytes], disturbed: dict[str, bytes]) -> Counter[str]:
    """What differs, in the terms of the promise."""
    clips = {name for name in calm | disturbed if name.startswith("clips/")}
    return Counter(
        {
            "clips": sum(name in disturbed for name in clips),
            "lost": sum(name not in disturbed for name in clips),
            "one too many": sum(name not in calm for name in clips),
            "other bytes": sum(
                calm[name] != disturbed[name] for name in clips & calm.keys() & disturbed.keys()
            ),
            "ledger rows": len(disturbed) - len(clips & disturbed.keys()),
            "rows that differ": sum(
                calm.get(name) != disturbed.get(name) for name in (calm | disturbed).keys() - clips
            ),
        }
    )


def _print(*cells: object) -> None:
    print(" ".join(f"{cell!s:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True)), flush=True)


def campaign(kills: int, seed: int, per_class: int, folder: Path) -> int:
    """Run it and print its tables."""
    table = write_lists(folder / "lists", dict.fromkeys(CLASSES, 3 * per_class), seed=seed)
    plan = Plan(seed=seed, shares=SHARES, table=table, latency_s=0.05, stall_s=0.5)
    began = time.monotonic()
    undisturbed = Round(
        folder / "lists", folder / "undisturbed", per_class, plan, random.Random(0), kills_left=0
    )
    with Simulator(plan) as simulator:
        undisturbed.life(undisturbed.words(simulator.proxy))
        requests = simulator.counts()["requests"]["player"]
    expected = outcome(undisturbed.workspace)
    total, seen, number = Counter[str](), Counter[str](), 0
    _print("round", "kills", "clips", "lost", "too many", "other bytes", "rows", "differ", "requests")
    _print(
        "calm",
        0,
        len(CLASSES) * per_class,
        "",
        "",
        "",
        len(expected) - len(CLASSES) * per_class,
        "",
        requests,
    )
    while seen["killed"] < kills:
        number += 1
        rng = random.Random(f"{seed} {number}")
        disturbed = Round(
            folder / "lists",
            folder / f"round-{number}",
            per_class,
            plan,
            rng,
            kills_left=kills - seen["killed"],
        )
        disturbed.run()
        found = compare(expected, outcome(disturbed.workspace))
        total += found
        seen += disturbed.seen
        _print(number, disturbed.seen["killed"], *found.values(), disturbed.requests)
    wrong = sum(total[name] for name in ("lost", "one too many", "other bytes", "rows that differ"))
    print(f"\n{'before a life':<20} {'times':>6}")
    for disaster in (calm, *DISASTERS):
        print(f"{disaster.__name__:<20} {seen[disaster.__name__]:>6}")
    print(f"\n{'end of a life':<20} {'times':>6}")
    for name in sorted(name for name in seen if name.startswith("exit ")):
        print(f"{name:<20} {seen[name]:>6}")
    print(
        f"\n{seen['killed']} kills in {number} rounds, {total['clips']} clips and"
        f" {total['ledger rows']} rows of ledgers compared in {time.monotonic() - began:.0f} s:"
        f" {wrong} differences"
    )
    return 1 if wrong else 0


def main() -> int:
    """Read the command line and run the campaign."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-class", type=int, default=25)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return campaign(given.kills, given.seed, given.per_class, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
