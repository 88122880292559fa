"""Mirrors on a stand-in Hub, and our client that asks it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from audioset_tools.simulator import Plan
from audioset_tools.simulator.hub import HubPlan, HubSimulator, write_mirror
from audioset_tools.simulator.plan import TableRow
from audioset_tools.sources.hub.address import parse_address
from audioset_tools.sources.hub.client import HubClient
from audioset_tools.sources.pace import Pace, parse_pace

pytest.importorskip("huggingface_hub")

TABLE = {f"{number:010}A": TableRow("Flute", 30_000, 40_000) for number in range(16)}
PLAN = Plan(seed=2, table=TABLE)

Serve = Callable[..., HubSimulator]


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four zips with all of `TABLE`; to be read, not changed."""
    folder = tmp_path_factory.mktemp("mirror")
    write_mirror(folder, PLAN, TABLE, part=8)
    return folder


@pytest.fixture
def hub_of() -> Iterator[Serve]:
    """Starts a Hub with the files of a folder."""
    with ExitStack() as stack:

        def start(folder: Path, plan: HubPlan = HubPlan(), **options: str) -> HubSimulator:
            return stack.enter_context(HubSimulator(folder, plan, **options))

        yield start


def new_pace() -> Pace:
    return Pace(parse_pace("unlimited"))


def client_of(hub: HubSimulator, pace: Pace | None = None, known: bool = False) -> HubClient:
    return HubClient(parse_address(f"hf:{hub.repo}"), pace or new_pace(), hub.address, known)
