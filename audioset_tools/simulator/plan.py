"""What any video id is here: a pure function of a plan.

A plan says how often each fault occurs, what the ids of a table hold, and how a client that asks too much is
refused. Everything else about a video (its length, what it plays, whether it is dead) is drawn from the seed
and the id, so that every part of a test can ask and gets the same answer.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..csvfile import read_csv
from ..exceptions import UsageError
from .faults import ANSWERS, FAULTS, MANIFESTS, OFF

PHRASE_MS = 1_920
"""Length of a phrase: whole packets of Opus (20 ms) and whole frames of AAC (1,024 samples at 48 kHz)."""

PICKS = 6
"""Phrases in the wanted stretch: enough for ten seconds."""

PHRASES = {
    "piano": 16,
    "drums": 16,
    "flute": 16,
    "bells": 8,
    "strings": 8,
    "babble": 8,
    "engine": 8,
    "wind": 8,
    "decoy": 8,
    "silence": 6,
}
"""The voices, and how many phrases each knows: at least `PICKS`."""

DUBBED_SHARE, TWINS_SHARE, MANY_SHARE = 0.05, 0.1, 0.3
"""Fractions of the videos that are dubbed, that have compressed twins, whose picture comes in all sizes."""

MOST_DUBS = 24
"""Languages into which a video may be dubbed: as many as in the largest recorded answer."""

_CLASS_VOICES = {"Piano": ("piano",), "Drums": ("drums",), "Flute": ("flute",)}
_OTHER_VOICES = ("bells", "strings", "babble", "engine", "wind")
_CLASSES = ("Piano", "Drums", "Flute", "Other")


class TableRow(NamedTuple):
    """What a table says about an id: its class and where the wanted sound lies."""

    class_name: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: `burst` requests at once, `per_second` in the long run.

    A request too many is answered with `answer`, and everything is refused for `lockout_s` from then on.
    `retry_after` seconds are announced with a 429, unless None. `media` counts media requests too.
    """

    per_second: float
    burst: int = 1
    answer: str = "429"
    retry_after: float | None = None
    lockout_s: float = 0.0
    media: bool = False

    def __post_init__(self) -> None:
        _one_of("answer", self.answer, ANSWERS)
        if self.per_second <= 0 or self.burst < 1:
            raise UsageError(
                "a limit lets nothing through", "Give it a positive per_second and a burst of at least 1."
            )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A scripted refusal: the `at`-th request of a kind (from 1) and all in the next `seconds` are refused.

    Args:
        at: which request sets it off.
        seconds: how long it lasts from that request on.
        answer: one of `faults.ANSWERS`; media is never refused with a page, but with 429.
        retry_after: seconds announced with a 429, or None for no announcement.
        kind: "player" (watch pages and player requests together) or "media".
    """

    at: int
    seconds: float
    answer: str = "429"
    retry_after: float | None = None
    kind: str = "player"

    def __post_init__(self) -> None:
        _one_of("answer", self.answer, ANSWERS)
        _one_of("kind", self.kind, ("player", "media"))


@dataclass(frozen=True, slots=True)
class Plan:
    """How the simulated YouTube behaves. Every field has a default: all videos alive, nothing refused.

    Args:
        seed: another seed gives every id another fate.
        shares: fault -> fraction of all ids that have it; together at most 1.
        faults: id -> fault, over what the shares would draw; "" makes an id live.
        passing_attempts: how often a passing fault strikes an id before it works.
        table: id -> what it holds; an id that is not there has a class by hash and a segment at 30 s.
        latency_s: wait before each answer.
        stall_s: how long a stalled body hangs before the connection is closed.
        drip_s: wait between two bytes of a dripping body.
        clients_off: clients that are switched off, by the name they give themselves (`VISIONOS`), and how:
            one of `faults.OFF`.
        limit: the token bucket, or None.
        refusals: scripted ones, each independent of the others.
        bot_without_visitor: clients of `faults.FEW_RIGHTS` get a bot check unless they send a visitor id.
        visitor_status: HTTP status of `youtubei/v1/visitor_id`, which gives such an id when it is 200.
        chance: probability with which each player request is refused, whatever its video and the rate.
        chance_answer: how, one of `faults.ANSWERS`.
        chance_clients: clients to which that happens, by the name they give themselves; empty for all.
        hls: what the manifests' host does, one of `faults.MANIFESTS`.
        big_player: the player's script has its real size, and the page does not have its time stamp.
        page_captcha: a captcha stands in the place of every watch page, with status 200.

    Raises:
        UsageError: an unknown fault or answer, shares that add up to more than 1, or a chance that is none.
    """

    seed: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    passing_attempts: int = 1
    table: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    latency_s: float = 0.0
    stall_s: float = 30.0
    drip_s: float = 1.0
    clients_off: Mapping[str, str] = field(default_factory=dict)
    limit: Limit | None = None
    refusals: tuple[Refusal, ...] = ()
    bot_without_visitor: bool = False
    visitor_status: int = 200
    chance: float = 0.0
    chance_answer: str = "bot-check"
    chance_clients: tuple[str, ...] = ()
    hls: str = ""
    big_player: bool = False
    page_captcha: bool = False

    def __post_init__(self) -> None:
        for fault in (*self.shares, *filter(None, self.faults.values())):
            _one_of("fault", fault, FAULTS)
        for how in self.clients_off.values():
            _one_of("way of being off", how, OFF)
        _one_of("answer", self.chance_answer, ANSWERS)
        _one_of("state of the manifests", self.hls, MANIFESTS)
        if not 0 <= self.chance <= 1 or not 200 <= self.visitor_status < 600:
            raise UsageError(
                "a chance must lie between 0 and 1, and a status between 200 and 599", "Correct the plan."
            )
        if sum(self.shares.values()) > 1 + 1e-9:
            raise UsageError("the shares of the faults add up to more than 1", "Give smaller shares.")


@dataclass(frozen=True, slots=True)
class Video:
    """What one id is: `voice` plays `phrases` from `start_ms` to `end_ms`, `fault` is "" for a good one.

    It is dubbed into `dubs` languages; `drc` says that its sounds have compressed twins, `many` that its
    picture comes in all sizes.
    """

    ytid: str
    class_name: str
    start_ms: int
    end_ms: int
    length_ms: int
    fault: str
    voice: str
    phrases: tuple[int, ...]
    dubs: int = 0
    drc: bool = False
    many: bool = False


def decide(plan: Plan, ytid: str) -> Video:
    """All that is to be known about an id; the same plan and id always give the same video."""

    def draw(what: str) -> float:
        return fate(plan.seed, ytid, what)

    class_name, start_ms, end_ms = plan.table.get(ytid) or (_pick(_CLASSES, draw("class")), 30_000, 40_000)
    fault = plan.faults[ytid] if ytid in plan.faults else _share(plan.shares, draw("fault"))
    voice = _pick(voices_of(class_name), draw("voice"))
    length_ms = end_ms + 5_000 + int(55_000 * draw("length"))
    if fault == "silent":
        voice = "silence"
    elif fault == "beyond-end":
        length_ms = max(1_000, start_ms // 2)
    # No phrase twice: a sound that repeats itself fits in several places, and a cut could not be measured.
    left = list(range(PHRASES[voice]))
    phrases = tuple(left.pop(int(len(left) * draw(f"phrase {number}"))) for number in range(PICKS))
    dubs = 1 + int(MOST_DUBS * draw("languages")) if draw("dubs") < DUBBED_SHARE else 0
    return Video(
        ytid=ytid,
        class_name=class_name,
        start_ms=start_ms,
        end_ms=end_ms,
        length_ms=length_ms,
        fault=fault,
        voice=voice,
        phrases=phrases,
        dubs=dubs,
        drc=draw("twins") < TWINS_SHARE,
        many=draw("pictures") < MANY_SHARE,
    )


def dubbed(video: Video) -> Video:
    """What plays in the dubs of a video: another voice, so that a clip of one is told from a right one."""
    voice = "babble" if video.voice != "babble" else "wind"
    return replace(video, voice=voice, phrases=tuple(range(PICKS)))


def voices_of(class_name: str) -> tuple[str, ...]:
    """The voices that a class may have: an instrument's own, or else those of everything besides."""
    return _CLASS_VOICES.get(class_name, _OTHER_VOICES)


def read_table(path: Path) -> dict[str, TableRow]:
    """Read the candidates that `select --out` writes: the columns ytid, start_ms, end_ms and class count.

    Raises:
        DataMismatch: it is missing, or no such file; the message has the line.
    """
    rows = read_csv(path, (), _table_row, "Write one with: audioset-tools select --out", further=True)
    return dict(rows)


def read_plan(path: Path) -> Plan:
    """Read a plan from TOML: its keys are the fields of `Plan`, `table` being the path of a CSV file.

    Raises:
        UsageError: a key or a value that means nothing.
    """
    try:
        given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = given.keys() - {known.name for known in fields(Plan)}
        if unknown:
            raise UsageError(
                f"{path} has keys that no plan has: {', '.join(sorted(unknown))}",
                f"Keep to: {', '.join(known.name for known in fields(Plan))}.",
            )
        if "table" in given:
            given["table"] = read_table(path.parent / given["table"])
        if "limit" in given:
            given["limit"] = Limit(**given["limit"])
        given["chance_clients"] = tuple(given.get("chance_clients", ()))
        given["refusals"] = tuple(Refusal(**refusal) for refusal in given.get("refusals", ()))
        return Plan(**given)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise UsageError(
            f"{path} is not a plan: {error}", "Its keys are the fields of audioset_tools.simulator.Plan."
        ) from error


def fate(seed: int, of: str, what: str) -> float:
    """A number in [0, 1) that belongs to the three arguments."""
    digest = hashlib.blake2b(f"{seed}\0{of}\0{what}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def _table_row(row: dict[str, str]) -> tuple[str, TableRow]:
    if not row.keys() >= {"ytid", "start_ms", "end_ms", "class"}:
        raise ValueError("this is not a table of candidates, which has ytid, start_ms, end_ms and class")
    return row["ytid"], TableRow(row["class"], int(row["start_ms"]), int(row["end_ms"]))


def _pick(choices: tuple[str, ...], drawn: float) -> str:
    return choices[int(len(choices) * drawn)]


def _share(shares: Mapping[str, float], drawn: float) -> str:
    # In the order of FAULTS, so that a plan does not depend on the order in which its shares are written.
    for fault in FAULTS:
        drawn -= shares.get(fault, 0.0)
        if drawn < 0:
            return fault
    return ""


def _one_of(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise UsageError(f"no {what} is called {given!r}", f"Use one of: {', '.join(known)}.")
