"""A workspace against a manifest: same bytes, same sound, another sound, gone, and why."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.audio.clip import write_clip
from audioset_tools.audio.fingerprint import fingerprint
from audioset_tools.ledger import Ledger
from audioset_tools.manifest.compare import Likeness, compare, comparison_json, comparison_tables
from audioset_tools.manifest.document import Manifest
from audioset_tools.manifest.freeze import freeze
from audioset_tools.simulator import Plan
from audioset_tools.simulator.sounds import wanted
from audioset_tools.types import Candidate, Clip, Failure, Reason
from audioset_tools.workspace import Workspace
from tests.factories import origin

KEYS = [f"{n:010}A" for n in range(6)]


def sound(ytid: str) -> np.ndarray:
    return (np.asarray(wanted(Plan(seed=1), ytid)) * 32767).astype(np.int16)


def workspace_of(root: Path, sounds: dict[str, np.ndarray | None], decoder: str, source: str) -> Workspace:
    """Clips of one class by their ids; None for one that is dead."""
    workspace = Workspace(root)
    queue = [
        Candidate(ytid, 0, 10_000, "Tone", 0, n, "eval", labels=("/m/x",)) for n, ytid in enumerate(sounds)
    ]
    root.mkdir()
    with Ledger(workspace.ledger) as ledger:
        ledger.load(origin("Tone"), queue)
        for one in queue:
            samples = sounds[one.ytid]
            if samples is None:
                ledger.fail(one, Failure(one.key, Reason.PRIVATE, "", 1, None), at=5)
                continue
            path = workspace.clip("Tone", one.key)
            name = path.relative_to(root).as_posix()
            sha256 = write_clip(samples, path)
            clip = Clip(
                one.key, "Tone", one.rank, name, sha256, 10.0, 0.5, source, decoder=decoder,
                fingerprint=fingerprint(samples),
            )  # fmt: skip
            ledger.accept(one, clip, at=4)
    return workspace


@pytest.fixture
def there(tmp_path: Path) -> Manifest:
    sounds = {ytid: sound(ytid) for ytid in KEYS[:5]}
    sounds[KEYS[4]] = np.zeros(160_000, np.int16)
    return freeze(
        workspace_of(tmp_path / "there", sounds, "ffmpeg 5.1.9 soxr", "youtube webm/opus 251"), tmp_path / "m"
    )


def test_every_clip_is_the_same_to_the_byte_or_by_its_sound_or_not(tmp_path: Path, there: Manifest) -> None:
    rng = np.random.default_rng(0)
    other = np.clip(sound(KEYS[1]).astype(np.int32) + rng.integers(-1, 2, 160_000), -32768, 32767)
    here = workspace_of(
        tmp_path / "here",
        {
            KEYS[0]: sound(KEYS[0]),
            KEYS[1]: other.astype(np.int16),
            KEYS[2]: sound(KEYS[0]),
            KEYS[3]: None,
            KEYS[4]: np.ones(160_000, np.int16),
            KEYS[5]: sound(KEYS[5]),
        },
        "ffmpeg 9.0.2",
        "hf confit/audioset-full@0",
    )
    with Ledger(here.ledger, read_only=True) as ledger:
        found = compare(ledger, here, there)
    assert [one.likeness for one in found.clips] == [
        Likeness.SAME_BYTES,
        Likeness.SAME_SOUND,
        Likeness.OTHER_SOUND,
        Likeness.GONE,
        Likeness.UNTOLD,
    ]
    assert found.extra == (f"{KEYS[5]}_0",) and not found.alike
    why = "decoded by ffmpeg 5.1.9 soxr, here by ffmpeg 9.0.2; from youtube, here from hf"
    assert [one.why for one in found.clips] == ["", why, why, "private", why]
    assert found.clips[1].apart is not None and found.clips[1].apart < 0.05
    told = comparison_json(found)
    assert told["counts"] == {str(likeness): 1 for likeness in Likeness} and told["not_wanted"] == [
        f"{KEYS[5]}_0"
    ]
    counts, reasons = comparison_tables(found)
    assert Counter(row[0] for row in counts.rows) == Counter([*map(str, Likeness), "not wanted"])
    assert any(why in row for row in reasons.rows)


def test_another_class_label_or_split_is_told(tmp_path: Path, there: Manifest) -> None:
    here = workspace_of(tmp_path / "here", {KEYS[0]: sound(KEYS[0])}, "d", "s")
    changed = replace(there.clips[0], class_name="Noise", also=("Tone",), labels=(), split="")
    with Ledger(here.ledger, read_only=True) as ledger:
        found = compare(ledger, here, replace(there, clips=(changed,)))
    assert found.clips[0].likeness is Likeness.SAME_BYTES and not found.alike
    assert found.clips[0].placed == "class Noise, Tone there, Tone here; labels none there, /m/x here"
    assert "placed otherwise" in [row[0] for row in comparison_tables(found)[0].rows]


def test_a_clip_whose_file_is_lost_is_gone(tmp_path: Path, there: Manifest) -> None:
    here = workspace_of(tmp_path / "here", {KEYS[0]: sound(KEYS[0])}, "d", "s")
    next(here.clips.rglob("*.wav")).unlink()
    with Ledger(here.ledger, read_only=True) as ledger:
        found = compare(ledger, here, replace(there, clips=there.clips[:2]))
    assert [one.likeness for one in found.clips] == [Likeness.GONE, Likeness.GONE]
    assert "cannot be read" in found.clips[0].why and found.clips[1].why == "it was not fetched"


def test_another_rate_is_told(tmp_path: Path, there: Manifest) -> None:
    here = workspace_of(tmp_path / "here", {KEYS[0]: sound(KEYS[0])}, "d", "s")
    faster = replace(there, made_from=replace(there.made_from, sample_rate=32_000), clips=there.clips[:1])
    changed = replace(faster, clips=(replace(there.clips[0], sha256="0" * 64),))
    with Ledger(here.ledger, read_only=True) as ledger:
        (one,) = compare(ledger, here, changed).clips
    assert one.likeness is Likeness.SAME_SOUND
    assert one.why.startswith("32,000 Hz there, 16,000 Hz here; decoded by")
