"""Labels that are wrong are found, confirmed by people, excluded, and replaced by clips of other videos."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audit import run as audit
from audioset_tools.errors.answers import FORMAT, Answer, Cause
from audioset_tools.removal.exclusions import read_exclusions
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.simulator.lists import write_lists
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE
from audioset_tools.workspace import Workspace
from tests.commands.conftest import run

PER_CLASS = 8

PITCH = {"Piano": 300, "Drums": 0, "Flute": 1500, "Other": 5000}
"""In hertz, of a sound of each class; 0 for noise."""


def sound(class_name: str, number: int) -> np.ndarray:
    """Ten seconds of a class, a little different each time."""
    rng = np.random.default_rng(number)
    noise = rng.standard_normal(CLIP_SAMPLES)
    if not PITCH[class_name]:
        return 0.2 * noise * (np.sin(np.arange(CLIP_SAMPLES) / 1000) > 0)
    pitch = PITCH[class_name] * rng.uniform(0.9, 1.1)
    return 0.3 * np.sin(2 * np.pi * pitch * np.arange(CLIP_SAMPLES) / SAMPLE_RATE) + 0.02 * noise


@pytest.fixture
def fetch(tmp_path: Path) -> list[str]:
    """The words that fetch from a folder of one's own."""
    table = write_lists(tmp_path / "lists", dict.fromkeys(PITCH, PER_CLASS + 2), seed=1)
    (tmp_path / "copy").mkdir()
    for number, (ytid, row) in enumerate(table.items()):
        path = tmp_path / "copy" / f"Y{ytid}_{row.start_ms}.wav"
        soundfile.write(path, sound(row.class_name, number), SAMPLE_RATE)
    words = ["fetch", "--workspace", str(tmp_path / "w"), "--per-class", str(PER_CLASS)]
    return [*words, "--metadata", str(tmp_path / "lists"), "--source", f"local:{tmp_path / 'copy'}"]


def clips_of(workspace: Workspace, class_name: str) -> set[str]:
    return {path.stem[1:] for path in (workspace.clips / class_name).iterdir()}


def test_a_wrong_label_is_found_confirmed_excluded_and_replaced(
    fetch: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_EPOCHS", 20)
    workspace, where = Workspace(tmp_path / "w"), ["--workspace", str(tmp_path / "w")]
    assert run(*fetch).returncode == 0
    # Whichever were fetched: their own sounds are exchanged for those of another class, and fetched again.
    wrong = {min(clips_of(workspace, name)): name for name in ("Piano", "Flute")}
    for key in wrong:
        soundfile.write(tmp_path / "copy" / f"Y{key}.wav", sound("Drums", 99), SAMPLE_RATE)
        next(workspace.clips.rglob(f"Y{key}.wav")).unlink()
    assert run(*fetch).returncode == 0
    assert run("featurize", *where, "--noise-copies", "0").returncode == 0

    done = run("audit", *where, "--folds", "3", "--json")
    assert done.returncode == 0, done.stderr
    listed = {one["key"]: one for one in json.loads(done.stdout)["suspects"]}
    found = [listed[key] for key in wrong]
    assert all(one["suggested"] == ["Drums"] and one["rank"] <= 5 for one in found)
    assert all((workspace.root / one["path"]).is_file() for one in found)

    # Somebody listens, and confirms it.
    assert run("errors", "--audit", *where).returncode == 0
    page = (workspace.audit / "errors" / "index.html").read_text()
    assert all(key in page for key in wrong) and "Is the label right?" in page
    said = [Answer("Ada", key, name, "Drums", Cause.MISLABELLED, "", 1).json() for key, name in wrong.items()]
    exported, relabel = tmp_path / "answers.json", tmp_path / "out.csv"
    exported.write_text(json.dumps({"format": FORMAT, "answers": said}))
    assert run("errors", "--audit", *where, "--import", str(exported)).returncode == 0
    assert run("errors", "--audit", *where, "--relabel", str(relabel)).returncode == 0
    assert {one.key for one in read_exclusions(relabel)} == wrong.keys()

    done = run(*fetch, "--exclude", str(relabel))
    assert done.returncode == 0 and "2 candidates are newly excluded" in done.stderr
    assert run("featurize", *where, "--noise-copies", "0").returncode == 0
    placed = read_dataset(workspace.dataset)
    assert len(placed) == PER_CLASS * len(PITCH) and not wrong.keys() & {one.key for one in placed}
    assert {len(clips_of(workspace, name)) for name in PITCH} == {PER_CLASS}
