"""What the simulator's tests share: its sounds, encoded once, and the real yt-dlp pointed at it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from yt_dlp import YoutubeDL

from audioset_tools.simulator import Plan, Simulator

LEAN = {"player_client": ["visionos"], "player_skip": ["webpage", "configs", "js", "initial_data"]}
GOOD = "gooDvideo-A"


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
def cache(request: pytest.FixtureRequest) -> Path:
    """Encoded banks, kept from one run of the tests to the next."""
    return Path(request.config.cache.mkdir("simulator"))


@pytest.fixture
def serve(cache: Path) -> Iterator[Callable[[Plan], Simulator]]:
    with ExitStack() as stack:
        yield lambda plan: stack.enter_context(Simulator(plan, cache=cache))


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
