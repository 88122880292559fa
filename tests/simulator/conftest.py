"""What the simulator's tests share: its sounds, encoded once, and the real yt-dlp pointed at it."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from yt_dlp import YoutubeDL

from audioset_tools.simulator import Plan, Simulator, Video, answers, decide
from audioset_tools.simulator.bank import Studio

LEAN = {"player_client": ["visionos"], "player_skip": ["webpage", "configs", "js", "initial_data"]}
OTHER = {"youtube": {**LEAN, "player_client": ["tv_samsung"]}}
GOOD = "gooDvideo-A"
SOME = [f"{number:010d}A" for number in range(200)]
RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"


class Quiet:
    """A logger for yt-dlp that keeps what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        pass

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def error(self, message: str) -> None:
        pass


@pytest.fixture(scope="session")
def studio(cache: Path) -> Studio:
    return Studio(cache)


@pytest.fixture
def youtube(serve: Callable[[Plan], Simulator]) -> Simulator:
    return serve(Plan())


@pytest.fixture
def client() -> Iterator[Callable[..., YoutubeDL]]:
    with ExitStack() as stack:

        def make(youtube: Simulator, **options: Any) -> YoutubeDL:
            lean = {"extractor_args": {"youtube": LEAN}, "extractor_retries": 0}
            common = {
                "proxy": youtube.proxy,
                "nocheckcertificate": True,
                "logger": Quiet(),
                "cachedir": False,
            }
            return stack.enter_context(YoutubeDL({**common, **lean, **options}))

        yield make


def extract(ydl: YoutubeDL, ytid: str = GOOD) -> dict[str, Any]:
    """One extraction without the choice of a format."""
    found: dict[str, Any] = ydl.extract_info(
        f"https://www.youtube.com/watch?v={ytid}", download=False, process=False
    )
    return found


def streams(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The formats of an extraction that have an address of their own: no storyboards, no manifests."""
    return [one for one in found["formats"] if kind(one) == "https"]


def kind(entry: dict[str, Any]) -> str:
    """How a format is read. yt-dlp tells plain addresses only once it has chosen one."""
    return str(entry.get("protocol", "https"))


def address(ydl: YoutubeDL, itag: int = 251, ytid: str = GOOD) -> str:
    """Where one format of a video is."""
    (url,) = [one["url"] for one in streams(extract(ydl, ytid)) if one["format_id"] == str(itag)]
    return str(url)


def sounds(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The streams of an extraction that have sound."""
    return [one for one in streams(found) if one["acodec"] not in (None, "none")]


def one_that(wished: Callable[[Video], bool]) -> str:
    """An id whose video is of a kind."""
    return next(ytid for ytid in SOME if wished(decide(Plan(), ytid)))


def recorded(pattern: str) -> list[dict[str, Any]]:
    """Answers of the real YouTube, from the files of such names."""
    return [json.loads(gzip.decompress(path.read_bytes()))["answer"] for path in RECORDINGS.glob(pattern)]


def player(
    studio: Studio, ytid: str = GOOD, plan: Plan | None = None, client: str = "VISIONOS"
) -> dict[str, Any]:
    """What a player request is answered."""
    answer: dict[str, Any] = json.loads(answers.player(decide(plan or Plan(), ytid), studio, client))
    return answer


needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not here")
