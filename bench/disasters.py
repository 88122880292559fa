"""The lives and disasters of `bench/chaos.py`."""

import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from audioset_tools.ledger.schema import seal_of
from audioset_tools.simulator import Plan, Refusal, Simulator


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

    def life(
        self, words: list[str], before: Callable[[], None] | None = None, deadly: bool | None = None
    ) -> int:
        """One process, killed at a random instant unless it ends before; its exit code.

        Left open, it is deadly as long as kills are left.
        """
        if deadly is None:
            deadly = self.kills_left > 0
        process = subprocess.Popen(
            words,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=before,
            start_new_session=True,
        )
        try:
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
        # Left alone it would wait for the network, and this is the one life that the network is away for.
        self.life(words, deadly=True)
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
        db.create_function("seal_of", -1, seal_of)
        db.execute(
            "UPDATE candidate SET retry_at = retry_at + ?,"
            " standing = seal_of(state, reason, detail, attempts, retry_at + ?)",
            (seconds, seconds),
        )
        for (text,) in db.execute("SELECT value FROM meta WHERE name = 'pace'").fetchall():
            pace = json.loads(text)
            for name in ("next_at", "paused_at", "paused_until"):
                pace[name] += seconds if pace[name] else 0
            text = json.dumps(pace)
            db.execute(
                "UPDATE meta SET value = ?, seal = ? WHERE name = 'pace'", (text, seal_of("pace", text))
            )
