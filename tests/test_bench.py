"""The benchmarks use what the package has; what they measure is nobody's test."""

import importlib
from collections import Counter
from pathlib import Path

import degrade
import domains
import fuzz
import melodies
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.runs.calibration import calibration
from audioset_tools.runs.evaluation import predictions

ELSEWHERE = {"audioset_download_driver"}
"""What runs in another tool's environment."""

SCRIPTS = sorted(path.stem for path in (Path(__file__).parents[1] / "bench").glob("*.py"))


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in ELSEWHERE])
def test_a_benchmark_finds_all_it_imports(name: str) -> None:
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("name", ["lists", "recipes", "ontology", "shards", "ledger", "runs", "imports"])
def test_changed_files_are_refused_and_crash_nobody(name: str) -> None:
    """A little of each campaign; thousands of inputs take minutes."""
    result = fuzz.run(name, count=25, seconds=60, seed=1)
    assert result.notes == []
    assert {*result.outcomes} <= {"refused", "read"} and result.outcomes["refused"] > 10


@pytest.mark.parametrize(
    ("number", "bytes_of_it"),
    [(0, "00"), (0x7F, "7f"), (0x80, "8100"), (0x3FFF, "ff7f"), (0x4000, "818000"), (0x0FFFFFFF, "ffffff7f")],
)
def test_a_midi_number_is_what_the_standard_says(number: int, bytes_of_it: str) -> None:
    """Examples from the table in the standard MIDI file specification."""
    assert melodies.variable_length(number).hex() == bytes_of_it


def events_of(content: bytes) -> list[tuple[int, bytes]]:
    """The channel messages of a file of one track, each with its tick."""
    assert content[:14] == b"MThd" + bytes([0, 0, 0, 6, 0, 0, 0, 1, 1000 >> 8, 1000 & 255])
    assert content[14:18] == b"MTrk" and int.from_bytes(content[18:22], "big") == len(content) - 22
    track, at, events = iter(content[22:]), 0, []
    while True:
        delta = 0
        while (byte := next(track)) & 0x80:
            delta = delta << 7 | byte & 0x7F
        at += delta << 7 | byte
        if (status := next(track)) == 0xFF:
            if next(track) == 0x2F:
                assert [*track] == [0]
                return events
            # A second for a thousand ticks.
            assert int.from_bytes([next(track) for _ in range(next(track))], "big") == 1_000_000
        else:
            events.append(
                (at, bytes([status, *(next(track) for _ in range(1 if status >> 4 == 0xC else 2))]))
            )


@pytest.mark.parametrize("class_name", melodies.CLASSES)
def test_the_notes_of_a_piece_stand_in_the_midi_file(class_name: str) -> None:
    pieces = [melodies.compose(class_name, np.random.default_rng(seed)) for seed in (1, 2, 1)]
    assert pieces[0] == pieces[2] != pieces[1]
    channel = 9 if class_name == "Drums" else 0
    events = events_of(melodies.midi_file(pieces))
    wanted, begun, ended = [], [], []
    for number, piece in enumerate(pieces):
        assert piece.notes and all(note.start + note.length <= melodies.SLOT_S - 1 for note in piece.notes)
        assert (12_000 * number, bytes([0xC0 | channel, piece.program])) in events
        wanted += [(12_000 * number + round(1000 * n.start), n.key, n.velocity) for n in piece.notes]
    for at, message in events:
        if message[0] == 0x90 | channel:
            begun.append((at, *message[1:]))
        elif message[0] == 0x80 | channel:
            ended.append(message[1])
    assert sorted(begun) == sorted(wanted)
    assert sorted(ended) == sorted(key for _, key, _ in wanted)


@given(seed=st.integers(0, 2**32), silent=st.booleans())
@settings(max_examples=10)
def test_a_degraded_clip_is_a_clip(seed: int, silent: bool) -> None:
    """As long, within bounds, the same for the same seed; also of silence, which gets noise as all do."""
    speech, dry = np.random.default_rng(1).normal(0, 0.1, (2, degrade.RATE)).astype(np.float32)
    dry *= not silent
    once, again = (degrade.degraded(dry, speech, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(once, again)
    assert once.shape == dry.shape and once.dtype == np.float32
    assert 0.05 < np.abs(once).max() <= 1


def test_a_class_is_parted_as_the_study_says_and_the_other_font_is_all_test() -> None:
    ours, other = domains.DOMAINS
    splits = Counter(domains.split_of(ours, number, 160) for number in range(160))
    assert splits == {"train": 100, "validation": 30, "test": 30}
    assert {domains.split_of(other, number, 160) for number in range(160)} == {"test"}


def test_what_is_measured_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted in the middle, the bench keeps what it has, and goes on behind it."""
    asked: list[tuple[str, int]] = []

    def measure(model: str, seed: int, _: object) -> domains.Result:
        asked.append((model, seed))
        if len(asked) == 3:
            raise KeyboardInterrupt
        f1, ece = {"a": 0.5 + seed / 10, "b": 0.25}, {"a": (0.2, 0.1), "b": (0.3, 0.25)}
        return domains.Result(model, seed, f1, ece, 1.5, 2.0)

    monkeypatch.setattr(domains, "measure", measure)
    partial, whole = (domains.measure_all(["svm", "knn"], 2, [], tmp_path / "r.jsonl") for _ in range(2))
    assert len(partial) == 2 and len(whole) == 4
    assert asked == [("svm", 0), ("knn", 0), ("svm", 1), ("svm", 1), ("knn", 1)]
    assert domains.table(whole, ["svm"]).endswith(
        "| `svm` | 2 | 55.0 (50.0 to 60.0) | 25.0 (25.0 to 25.0) | 20.0, 10.0 | 30.0, 25.0 | 2 |"
    )


def test_a_temperature_can_be_taken_back() -> None:
    """The error before it is that of the logits as they were."""
    rng = np.random.default_rng(0)
    logits, actual = rng.normal(0, 6, (200, 4)), rng.integers(0, 4, 200)
    keys = tuple(map(str, range(200)))
    plain, divided = (predictions(keys, keys, actual, logits / t) for t in (1.0, 5.0))
    before, after = domains.calibration_errors(divided, 5.0)
    assert before == pytest.approx(calibration(actual, plain.probability).error)
    assert after == calibration(actual, divided.probability).error != before


def test_what_is_not_installed_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit) as end:
        domains.require_tools()
    (line,) = str(end.value.code).splitlines()
    assert "fluidsynth" in line and "apt install fluidsynth espeak-ng fluid-soundfont-gm" in line
