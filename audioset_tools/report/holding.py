"""What a workspace holds at one moment, as far as it has come; looking changes nothing in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DataMismatch
from ..featurize.dataset import read_dataset
from ..featurize.split import Placement
from ..fetch.spent import Spent, read_spent
from ..fetch.status import Status, read_status
from ..history import Event, events, tried_tiers
from ..ledger import Ledger, Origin, State
from ..types import Candidate, Clip
from ..workspace import Workspace, printable
from .runs import RunFound, read_runs


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the ledger tells.

    Args:
        origin: what the candidates were made from.
        status: where they stand.
        funnel: the selection's account as JSON; None where it was not recorded.
        tiers: candidates by class, tier and state, as far as they were tried.
        events: all that was recorded.
        clips: the verified ones, by class and rank.
        spent: what the fetches took.
    """

    origin: Origin
    status: Status
    funnel: Mapping[str, Any] | None
    tiers: Mapping[tuple[str, int, State], int]
    events: tuple[Event, ...]
    clips: tuple[tuple[Candidate, Clip], ...]
    spent: Spent


@dataclass(frozen=True, slots=True)
class Holding:
    """What a workspace holds.

    Args:
        place: the workspace.
        fetched: what the ledger tells; None where there is none, or none with candidates.
        placements: the frozen splits; none before featurize.
        runs: what was trained, by name.
        troubles: what is there and cannot be read.
    """

    place: Workspace
    fetched: Fetched | None
    placements: tuple[Placement, ...]
    runs: tuple[RunFound, ...]
    troubles: tuple[str, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the recipe's order where that is known."""
        if self.fetched is not None:
            return self.fetched.origin.class_names
        return tuple(dict.fromkeys(placement.class_name for placement in self.placements))

    @property
    def split_of(self) -> dict[str, str]:
        """The split of every clip that has one."""
        return {placement.key: placement.split for placement in self.placements}


def read_holding(place: Workspace) -> Holding:
    """Look a workspace over, also while a command runs in it."""
    troubles: list[str] = []
    fetched = None
    if place.ledger.exists():
        try:
            with Ledger(place.ledger, read_only=True) as ledger:
                fetched = _read_ledger(ledger) if ledger.class_names else None
        except DataMismatch as error:
            troubles.append(_without_place(error, place))
    placements: list[Placement] = []
    try:
        placements = read_dataset(place.dataset)
    except DataMismatch as error:
        troubles.append(_without_place(error, place))
    return Holding(place, fetched, tuple(placements), read_runs(place.runs), tuple(troubles))


def _read_ledger(ledger: Ledger) -> Fetched:
    origin = ledger.origin()
    assert origin is not None
    return Fetched(
        origin=origin,
        status=read_status(ledger),
        funnel=_funnel(ledger.get("funnel")),
        tiers=tried_tiers(ledger),
        events=tuple(events(ledger)),
        clips=tuple(ledger.clips()),
        spent=read_spent(ledger.get("spent")),
    )


def _funnel(stored: str | None) -> Mapping[str, Any] | None:
    try:
        funnel = json.loads(stored or "null")
    except ValueError:
        return None
    return funnel if isinstance(funnel, dict) and isinstance(funnel.get("classes"), dict) else None


def _without_place(error: DataMismatch, place: Workspace) -> str:
    """What is wrong, without where the workspace happens to lie."""
    return printable(error.what.replace(f"{place.root}/", "")) + ". " + error.remedy
