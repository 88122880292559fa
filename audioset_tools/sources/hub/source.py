"""The source `hf`: a clip is one request for a part of a zip that lies on the Hugging Face Hub."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ...archives.archive import ArchiveError, file_name
from ...archives.index import SoundIndex, Strange, ytid_of
from ...archives.names import parse_name
from ...archives.zips import Member, check_readable, unpack
from ...audio.ffmpeg import Media
from ...clock import steady
from ...exceptions import AudiosetToolsError, EnvironmentProblem, Paused, UsageError
from ...files import leftovers, remedy_of
from ...types import UNREACHED, Candidate, OnProgress, Reason, Scope, message, silent
from ...words import clock_time, counted, duration
from ...workspace import printable
from ..copies import Copy, best_excerpt
from ..pace import Pace
from ..rate import PacePolicy
from ..source import Excerpt, FetchError, Undecoded
from .address import HubAddress, parse_address
from .client import HubClient, HubFile
from .index import ZipIndex, kept_index, make_index
from .pinned import Pinned, folder_of, keep_pin, kept_pin
from .ranges import Ranges

Answer = TypeVar("Answer")

POLICY = PacePolicy(start=inf, most=inf, least=36_000, first_pause=5, longest_pause=300, climb=100)
"""No rate until there is a refusal; then none below what the Hub grants anybody for addresses of files, 3,000
requests in 5 minutes (September 2025), and no pause longer than that unless it says so."""

MOST_ZIPS, MOST_MEMBERS = 2_000, 5_000_000
"""AudioSet has 2.1 million segments, and its mirrors 43 zips."""

_AT_ONCE, _TOLD = 4, 10
"""So many directories are read at once, and after so many it is told."""

_TRIES = 5
_FIRST_WAIT_S = 45.0
"""How often what may be chance is tried while opening, and how long a network that is away is waited for."""

_LONGEST = 300
"""Characters kept of a member's name."""


class Hub:
    """The source `hf`.

    Args:
        ranges: reads parts of the files of the commit.
        pinned: the commit that is read.
        zips: what they hold; of a video in several of them the first one's comes first.
    """

    name = "hf"
    known_alive = None

    def __init__(self, ranges: Ranges, pinned: Pinned, zips: Sequence[ZipIndex]) -> None:
        self.pinned = pinned
        self.zips = zips
        self.index = SoundIndex([one.listing for one in zips])
        self._ranges = ranges

    @property
    def pace(self) -> Pace:
        """The budget of requests to the Hub and its storage."""
        return self._ranges.pace

    def videos(self) -> Iterator[str]:
        """The ids of the videos that it has something of."""
        return (ytid_of(int(number)) for number in self.index.ids)

    def holds(self, candidate: Candidate) -> bool:
        """Whether there is something of a candidate's video."""
        return self.index.has(candidate.ytid)

    def open(self, candidate: Candidate) -> Excerpt:
        """The best copy of a candidate's segment.

        Raises:
            FetchError: there is none, or it cannot be had now.
            DataMismatch: the mirror has changed under its commit.
            EnvironmentProblem: it may not be read any more, or was taken down.
        """
        return self.alternative(candidate, [])

    def alternative(self, candidate: Candidate, failed: Sequence[Undecoded]) -> Excerpt:
        """The best copy that is not known to be no good, or the same one read as the whole video.

        Raises:
            FetchError, DataMismatch, EnvironmentProblem: as of `open`.
        """
        return best_excerpt(self._copies(candidate.ytid), candidate, failed)

    def close(self) -> None:
        """Give back connections."""
        self._ranges.close()

    def _copies(self, ytid: str) -> list[Copy]:
        """The copies of a video; of members of a zip with the same name the first."""
        copies: dict[str, Copy] = {}
        for found in self.index.find(ytid):
            one = self.zips[found.listing]
            member = one.member(found.place)
            where = f"{self.pinned.short} {printable(one.file.path)} {printable(member.name[-_LONGEST:])}"
            if where not in copies and (name := parse_name(file_name(member.name))):
                copies[where] = Copy(name, self.name, where, partial(self._get, one.file, member))
        return list(copies.values())

    def _get(self, file: HubFile, member: Member) -> Media:
        try:
            check_readable(member)
            return Media(unpack(member, self._ranges.read(file, *member.span)))
        except ArchiveError as error:
            raise FetchError(Reason.DAMAGED_FILE, f"{printable(file.path)}: {error.what}") from error


@dataclass(frozen=True, slots=True)
class HubOptions:
    """How a mirror is opened.

    Args:
        pace: spent by each request.
        stop: what the pace waits on; it is set when the mirror is given up, so that nobody waits any more.
        max_wait: the longest pause to sit out, in seconds.
        endpoint: the Hub's address; that of `HF_ENDPOINT` if None.
    """

    pace: Pace
    stop: threading.Event
    max_wait: float = 2 * 3_600
    endpoint: str | None = None


def open_hub(text: str, mirrors: Path, options: HubOptions, on_progress: OnProgress = silent) -> Hub:
    """Open `hf:OWNER/NAME[@REVISION]`: pin its commit, read the directories of its zips, and keep both.

    What was kept is not asked for again: a mirror that was opened before takes no request.

    Args:
        text: the mirror, as the user writes it.
        mirrors: the folder in the workspace where what is read of mirrors is kept; nobody else writes to it.

    Raises:
        UsageError: there is no such data set or revision, it has no zips, or the workspace reads another
            revision of it.
        EnvironmentProblem: the user may not read it, or the Hub is not reached.
        Paused: the Hub refuses for longer than `max_wait`.
        DataMismatch: it has changed under its commit.
        Stopped: the run is being stopped.
    """
    address = parse_address(text)
    folder = folder_of(mirrors, address)
    before = kept_pin(folder)
    client = HubClient(address, options.pace, options.endpoint, known=before is not None)
    ask = _Patience(address, options, on_progress)
    pinned = _pin(client, before, ask)
    client.known = True
    with _keeping(folder):
        for half_written in leftovers(folder):
            half_written.unlink(missing_ok=True)
        if pinned != before:
            keep_pin(folder, pinned)
    zips = _zips(address, pinned)
    on_progress(message(f"{address}: commit {pinned.commit[:12]}, {counted(len(zips), 'zip')}"))
    with ExitStack() as stack:
        ranges = Ranges(client, pinned.commit)
        stack.callback(ranges.close)
        hub = Hub(ranges, pinned, _indexes(folder, address, zips, ranges, ask))
        _tell(address, hub, on_progress)
        stack.pop_all()
    return hub


class _Patience:
    """Asks until there is an answer, as long as the user cares to wait."""

    def __init__(self, address: HubAddress, options: HubOptions, on_progress: OnProgress) -> None:
        self.on_progress = on_progress
        self._address = address
        self._pace = options.pace
        self._max_wait = options.max_wait
        self.stop = options.stop
        self._told = 0.0

    def __call__(self, call: Callable[[], Answer]) -> Answer:
        """What a call returns.

        Raises:
            EnvironmentProblem, Paused: it does not, and why.
        """
        began, failed = steady(), 0
        while True:
            self._pace.sleep(0)
            try:
                return call()
            except FetchError as error:
                if error.reason.scope is Scope.RUN:
                    self._pace.on_refusal(error.reason, error.sent_at or steady(), error.retry_after)
                else:
                    failed += 1
                left = max(0.0, self._pace.state.paused_until - steady())
                self._give_up(error, failed, steady() - began, left)
                if left > 1 and self._told < (until := self._pace.state.paused_until):
                    self._told = until
                    self.on_progress(message(f"{self._address}: {error.detail}; waiting {duration(left)}"))
                self._pace.sleep(0 if left else 0.5 * 2**failed)

    def _give_up(self, error: FetchError, failed: int, waited: float, left: float) -> None:
        what = f"{self._address} cannot be read: {error.detail}"
        if failed >= _TRIES:
            raise EnvironmentProblem(what, "Run the same command again later; nothing is lost.") from error
        if error.reason in UNREACHED and waited + left > min(_FIRST_WAIT_S, self._max_wait):
            remedy = "See to the network (or the proxy, HTTPS_PROXY) and run the same command again."
            raise EnvironmentProblem(what, remedy) from error
        if left > self._max_wait:
            when = clock_time(self._pace.state.paused_until)
            raise Paused(what, f"Run the same command again after {when}; nothing is lost.") from error


def _pin(client: HubClient, before: Pinned | None, ask: _Patience) -> Pinned:
    """The commit to read: that of before, if it is what is asked for."""
    asked = client.address.revision
    if before is not None and before.is_meant_by(asked):
        return before
    commit = ask(lambda: client.commit(asked))
    if before is None:
        return Pinned(client.address.repo, asked, commit, tuple(ask(lambda: client.files(commit))))
    if commit == before.commit:
        return before
    raise UsageError(
        f"this workspace reads {before.short}, and {client.address} is another commit, {commit[:12]}",
        "Leave out the revision to go on with that one, or take another workspace for the other.",
    )


def _zips(address: HubAddress, pinned: Pinned) -> list[HubFile]:
    """The files that are zips and whose names make sense, by path."""
    kinds = Counter(PurePosixPath(file.path).suffix[:12].lower() or "no suffix" for file in pinned.files)
    split = {
        file.path.rpartition(".")[0] for file in pinned.files if file.path.lower().endswith((".z01", ".z02"))
    }
    zips = [
        file
        for file in pinned.files
        if file.path.lower().endswith(".zip")
        and file.path.rpartition(".")[0] not in split
        and len(file.path) < 500
        and file.path.isprintable()
        and not {"", ".", ".."} & set(file.path.split("/"))
    ]
    if zips and len(zips) <= MOST_ZIPS:
        return zips
    what = f"{address} has no zip"
    if split:
        what = f"the zips of {address} are split into volumes, which are read from a folder only"
    elif zips:
        what = f"{address} has {len(zips):,} zips: it is no mirror as is known here"
    there = ", ".join(f"{n:,} {printable(kind)}" for kind, n in kinds.most_common(4))
    raise UsageError(
        f"{what}; it has {there or 'no file'}",
        f"`hf download {address.repo} --repo-type dataset --local-dir DIR`, then --source local:DIR.",
    )


def _indexes(
    folder: Path, address: HubAddress, zips: Sequence[HubFile], ranges: Ranges, ask: _Patience
) -> list[ZipIndex]:
    """The index of each zip that can be read: as it was kept, or read now, several at once."""
    found: dict[HubFile, ZipIndex | ArchiveError] = {}
    for file in zips:
        if (kept := kept_index(folder, file)) is not None:
            found[file] = kept
    missing = [file for file in zips if file not in found]
    if missing:
        ask.on_progress(message(f"reading the directories of {counted(len(missing), 'zip')}"))
    troubles: list[AudiosetToolsError] = []

    def make(file: HubFile) -> ZipIndex | ArchiveError:
        try:
            with _keeping(folder):
                return ask(lambda: make_index(folder, file, partial(ranges.read, file)))
        except ArchiveError as error:
            return error
        except AudiosetToolsError as error:
            troubles.append(error)
            ask.stop.set()
            raise

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="directories") as pool:
        try:
            for done, (file, made) in enumerate(zip(missing, pool.map(make, missing), strict=True), 1):
                found[file] = made
                _see_that_it_is_no_flood(address, found.values())
                if done % _TOLD == 0 or done == len(missing):
                    ask.on_progress(message(f"{done:,} of {len(missing):,} directories read"))
                if isinstance(made, ArchiveError):
                    ask.on_progress(message(f"{printable(file.path)} is passed over: {made.what}"))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            if troubles:
                # The others were stopped for it.
                raise troubles[0] from None
            raise
    return [one for file in zips if isinstance(one := found[file], ZipIndex)]


@contextmanager
def _keeping(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(
            f"{printable(folder)} cannot be written to: {error.strerror}", remedy_of(error)
        ) from error


def _see_that_it_is_no_flood(address: HubAddress, zips: Collection[ZipIndex | ArchiveError]) -> None:
    claimed = sum(len(one.listing) + one.strange.count for one in zips if isinstance(one, ZipIndex))
    if claimed > MOST_MEMBERS:
        raise UsageError(
            f"{address} claims {claimed:,} files and more", "It is no mirror of AudioSet; leave it out."
        )


def _tell(address: HubAddress, hub: Hub, on_progress: OnProgress) -> None:
    """Say what there is.

    Raises:
        UsageError: nothing that is named after a video.
    """
    strange, others = Strange(), ""
    for one in hub.zips:
        strange.merge(one.strange)
    if strange.count:
        examples = ", ".join(printable(name[:100]) for name in strange.examples)
        others = f"; {strange.count:,} more whose names say of no video, such as {examples}"
    if not len(hub.index):
        raise UsageError(
            f"no file in the zips of {address} is named after a video{others}",
            "Members must be called as Y<id>.wav, <id>.flac or <id>_<start>_<end>.wav.",
        )
    recordings, videos = len(hub.index), len(hub.index.ids)
    on_progress(
        message(f"{address}: {counted(recordings, 'recording')} of {counted(videos, 'video')}{others}")
    )
