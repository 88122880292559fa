"""Fetches killed at random instants among random disasters: do they end with the clips of an undisturbed one?

    python bench/chaos.py [--kills 200] [--seed S] [--per-class N]

One fetch runs undisturbed against the simulator. Then others run in workspaces of their own, each killed with
SIGKILL again and again at random instants until it is complete. Before every third life comes a disaster: lost
and damaged clips, a disk that refuses to write, a power cut that takes the ledger's log, a clock set forward or
back, a second fetch, a locked ledger, a network that is away; and the remote refuses now and then. Rounds go on
until there were as many kills as asked for. Each round's clips and ledger are compared with the undisturbed
one's, byte for byte; any difference makes the exit code 1.
"""

import argparse
import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from audioset_tools.simulator import Plan, Refusal, Simulator
from audioset_tools.simulator.lists import write_lists

WIDTHS = (5, 5, 5, 5, 8, 11, 5, 6, 8)
CLASSES = ("Piano", "Drums", "Flute", "Other")
SHARES = {
    **{"removed": 0.08, "private": 0.05, "terminated": 0.03, "silent": 0.03, "beyond-end": 0.02},
    **{"media-503": 0.03, "truncate": 0.03, "reset": 0.03, "player-503": 0.03, "stall": 0.02},
}


@dataclass
class Round:
    """One workspace from its first life to its last."""

    lists: Path
    workspace: Path
    per_class: int
    plan: Plan
    rng: random.Random
    kills_left: int
    seen: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    def run(self) -> None:
        """Live and die until a life ends by itself with everything there."""
        simulator = Simulator(self._refusing()).__enter__()
        try:
            while True:
                begun = (self.workspace / "ledger.sqlite").exists()
                disaster = self.rng.choice(DISASTERS) if begun and self.rng.random() < 0.35 else calm
                self.seen[disaster.__name__] += 1
                words = [*self.words(simulator.proxy)]
                if disaster is network_away:
                    simulator = self._restarted(simulator, words)
                code = disaster(self, words)
                self.seen[f"exit {code}"] += 1
                if code == 0:
                    return
        finally:
            simulator.__exit__(None, None, None)
            self.requests += simulator.counts()["requests"]["player"]

    def words(self, proxy: str) -> list[str]:
        """The command."""
        return [
            *(sys.executable, "-m", "audioset_tools", "fetch", "--per-class", str(self.per_class)),
            *("--metadata", str(self.lists), "--workspace", str(self.workspace), "--proxy", proxy),
            *("--no-check-certificate", "--pace", "unlimited", "--retry-wait", "0.2", "--json"),
        ]

    def life(self, words: list[str], before: Callable[[], None] | None = None, deadly: bool = True) -> int:
        """One process, killed at a random instant unless it ends before; its exit code."""
        process = subprocess.Popen(
            words,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=before,
            start_new_session=True,
        )
        try:
            deadly = deadly and self.kills_left > 0
            _, said = process.communicate(timeout=self.rng.uniform(0.2, 3.5) if deadly else 300)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.kills_left -= 1
            self.seen["killed"] += 1
            return process.returncode
        if b"Traceback" in said or process.returncode in (1, 2, 6):
            sys.exit(f"a life ended with {process.returncode}:\n{said.decode()}")
        return process.returncode

    def _refusing(self) -> Plan:
        """The videos as they are, behind a remote that refuses now and then, in every way it knows."""
        answers = ["429", "rate-limited", "bot-check", "drop", "unavailable"]
        refusals = tuple(
            Refusal(
                at=self.rng.randrange(5, 150), seconds=self.rng.uniform(0.1, 1.5),
                answer=self.rng.choice(answers[:4]), retry_after=self.rng.choice([None, 1]),
                kind=self.rng.choice(["player", "media"]),
            )
            for _ in range(3)
        )  # fmt: skip
        return replace(self.plan, refusals=refusals)

    def _restarted(self, simulator: Simulator, words: list[str]) -> Simulator:
        """The simulator gone while a process lives, and back at the same address."""
        port = int(simulator.proxy.rpartition(":")[2])
        simulator.__exit__(None, None, None)
        self.requests += simulator.counts()["requests"]["player"]
        self.life(words)
        return Simulator(self._refusing(), port=port).__enter__()

    def clips(self) -> list[Path]:
        """The clips on disk."""
        return sorted((self.workspace / "clips").rglob("Y*.wav"))


def calm(run: Round, words: list[str]) -> int:
    """No disaster but the kill."""
    return run.life(words)


def clip_lost(run: Round, words: list[str]) -> int:
    """A clip is deleted."""
    for victim in run.rng.sample(run.clips(), min(2, len(run.clips()))):
        victim.unlink()
    return run.life(words)


def clip_damaged(run: Round, words: list[str]) -> int:
    """A clip is cut short, or one of its bits flips."""
    for victim in run.rng.sample(run.clips(), min(2, len(run.clips()))):
        whole = bytearray(victim.read_bytes())
        at = run.rng.randrange(len(whole))
        whole[at] ^= 1
        victim.write_bytes(whole[:at] if run.rng.random() < 0.5 else whole)
    return run.life(words)


def disk_full(run: Round, words: list[str]) -> int:
    """No file can grow past 200 kB: neither a clip nor, sooner or later, the ledger's log can be written."""
    return run.life(
        words, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)), deadly=False
    )


def power_cut(run: Round, words: list[str]) -> int:
    """What was not yet synchronised of the ledger is gone; half a clip stands beside its target."""
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (run.workspace / name).unlink(missing_ok=True)
    folder = run.workspace / "clips" / "Flute"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".Yxxxxxxxxxxx_0.wav.99.part").write_bytes(b"half")
    return run.life(words)


def clock_set_back(run: Round, words: list[str]) -> int:
    """Everything stored lies a day in the future."""
    _shift(run.workspace / "ledger.sqlite", 86_400)
    return run.life(words)


def clock_set_forward(run: Round, words: list[str]) -> int:
    """Everything stored lies a day in the past."""
    _shift(run.workspace / "ledger.sqlite", -86_400)
    return run.life(words)


def second_fetch(run: Round, words: list[str]) -> int:
    """Another fetch begins while one runs; it must leave at once."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        time.sleep(0.8)
        second = subprocess.run(words, capture_output=True, check=False)
        if second.returncode not in (0, 5):
            sys.exit(f"a second fetch ended with {second.returncode}:\n{second.stderr.decode()}")
        first.kill()
    run.kills_left -= 1
    run.seen["killed"] += 1
    return run.life(words)


def ledger_locked(run: Round, words: list[str]) -> int:
    """Another program holds the ledger for a second."""
    with closing(sqlite3.connect(run.workspace / "ledger.sqlite", isolation_level=None)) as db:
        with suppress(sqlite3.OperationalError):
            db.execute("BEGIN IMMEDIATE")
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(run.rng.uniform(0.8, 2))
            if db.in_transaction:
                db.execute("ROLLBACK")
            time.sleep(run.rng.uniform(0, 1))
            process.kill()
    run.kills_left -= 1
    run.seen["killed"] += 1
    return run.life(words)


def network_away(run: Round, words: list[str]) -> int:
    """Nobody answered during the life before."""
    return run.life(words)


DISASTERS = (
    *(clip_lost, clip_damaged, disk_full, power_cut, clock_set_back, clock_set_forward),
    *(second_fetch, ledger_locked, network_away),
)


def _shift(ledger: Path, seconds: float) -> None:
    """Move all stored times, as if the clock had been set."""
    with closing(sqlite3.connect(ledger)) as db, suppress(sqlite3.OperationalError), db:
        db.execute("UPDATE candidate SET retry_at = retry_at + ?", (seconds,))
        for (text,) in db.execute("SELECT value FROM meta WHERE name = 'pace'").fetchall():
            pace = json.loads(text)
            for name in ("next_at", "paused_at", "paused_until"):
                pace[name] += seconds if pace[name] else 0
            db.execute("UPDATE meta SET value = ? WHERE name = 'pace'", (json.dumps(pace),))


def outcome(workspace: Path) -> dict[str, bytes]:
    """Every clip's bytes by its path, and every row of the ledger that tells what became of whom."""
    found = {
        str(path.relative_to(workspace)): path.read_bytes() for path in (workspace / "clips").rglob("*.wav")
    }
    with closing(sqlite3.connect(workspace / "ledger.sqlite")) as db:
        for row in db.execute("SELECT class, rank, ytid, state, reason FROM candidate"):
            found[f"candidate {row[0]} {row[1]}"] = repr(row).encode()
        for row in db.execute("SELECT * FROM clip"):
            found[f"clip {row[0]} {row[1]}"] = repr(row).encode()
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
        f" {total['ledger rows']} rows of ledgers compared in {time.monotonic() - began:.0f} s: {wrong} differences"
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
