"""`audioset-tools offset` against the simulator: our cut of a video, and a copy that was cut elsewhere."""

import json
from collections.abc import Callable
from pathlib import Path

import soundfile

from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.sounds import wanted
from audioset_tools.types import SAMPLE_RATE
from tests.commands.conftest import World, calm, fetch_here, run


def test_a_copy_that_was_cut_late_is_found_out(
    world: World, serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    plan = calm(world.plan)
    simulator = serve(plan)
    copy, workspace = tmp_path / "copy", tmp_path / "w"
    copy.mkdir()
    for ytid, (_, start_ms, *_) in plan.table.items():
        # A quarter of a second of the segment is missing at its beginning.
        late = wanted(plan, ytid)[SAMPLE_RATE // 4 :]
        soundfile.write(copy / f"{ytid}_{start_ms}.wav", late, SAMPLE_RATE)
    fetch_here(world, simulator, workspace, 1)
    sources = ["--source", "youtube", "--source", f"local:{copy}", "--workspace", str(workspace)]
    connection = ["--proxy", simulator.proxy, "--no-check-certificate", "--pace", "unlimited"]
    done = run("offset", *sources, *connection, "--sample", "6", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["pairs"]) == 6
    assert abs(found["median_ms"] + 250) < 50
    table = run("offset", *sources, *connection, "--sample", "6")
    assert "median" in table.stdout
    assert run("offset", "--source", "youtube", "--workspace", str(workspace)).returncode == 2
