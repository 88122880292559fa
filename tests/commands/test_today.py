"""A fetch against YouTube as it answers today: N clips of each class, the same ones whatever the trouble."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.ledger import Ledger, State
from audioset_tools.simulator import Plan, Simulator
from tests.commands.conftest import CLASSES, World, calm, contents, fetch_here

Serve = Callable[[Plan], Simulator]

TROUBLE = {
    "sabr for a third": ({"shares": {"sabr": 0.3}}, 3.5),
    "the lean client switched off": ({"clients_off": {"VISIONOS": "not-on-app"}}, 4.0),
    "children's videos": ({"shares": {"kids": 0.3}}, 3.5),
    "no visitor id, no answer": ({"bot_without_visitor": True}, 1.3),
    "a visitor id is refused": ({"visitor_status": 404}, 1.3),
    "random bot checks": ({"chance": 0.05}, 2.0),
    "a slow host of manifests": ({"hls": "slow"}, 1.3),
    "challenges for JavaScript": ({"shares": {"n-challenge": 0.2, "cipher": 0.1}}, 3.5),
    "only HLS, AAC, or itag 18": ({"shares": {"hls-only": 0.1, "aac-only": 0.1, "itag18-only": 0.1}}, 2.5),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_the_same_clips_come_and_no_candidate_is_lost(
    world: World, serve: Serve, fetched: Path, tmp_path: Path, name: str
) -> None:
    changes, most_requests = TROUBLE[name]
    simulator = serve(replace(calm(world.plan), **changes))
    assert fetch_here(world, simulator, tmp_path, per_class=4).complete
    assert contents(tmp_path).keys() == contents(fetched).keys()
    with Ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        assert not any(tally.state is State.DEAD for tally in ledger.tallies())
    requests = simulator.counts()["requests"]
    asked = sum(requests.get(kind, 0) for kind in ("page", "player", "visitor", "manifest"))
    assert asked <= most_requests * 4 * len(CLASSES), requests
