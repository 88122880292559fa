"""Two folders of the same clips, one cut elsewhere: the offset is found, and what lacks is counted."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.ledger import Ledger
from audioset_tools.offset.run import estimate_offset
from audioset_tools.types import SAMPLE_RATE
from audioset_tools.workspace import Workspace
from tests.factories import candidate, origin

LATE_MS = 120


def copies(root: Path, clips: int, lacking: int = 0) -> tuple[Workspace, str, str]:
    """Clips of noise in `root/a`, and the same cut 120 ms earlier in `root/b`, which lacks some."""
    workspace, queue = Workspace(root / "w"), [candidate(f"{n:010}A", rank=n) for n in range(clips)]
    for number, one in enumerate(queue):
        sound = 0.1 * np.random.default_rng(number).standard_normal(12 * SAMPLE_RATE)
        for name, begin_ms in (("a", 1_000), ("b", 1_000 - LATE_MS)):
            if name == "a" or number >= lacking:
                (root / name).mkdir(exist_ok=True)
                cut = sound[begin_ms * 16 : begin_ms * 16 + 10 * SAMPLE_RATE]
                soundfile.write(root / name / f"Y{one.key}.wav", cut, SAMPLE_RATE)
    workspace.root.mkdir()
    with Ledger(workspace.ledger) as ledger:
        ledger.load(origin("Flute"), queue)
    return workspace, f"local:{root / 'a'}", f"local:{root / 'b'}"


def test_a_cut_that_begins_earlier_has_its_sound_later(tmp_path: Path) -> None:
    workspace, first, second = copies(tmp_path, 8, lacking=1)
    found = estimate_offset(workspace, first, second, sample=6)
    assert found.quartiles == pytest.approx((LATE_MS,) * 3)
    assert (len(found.pairs), found.within(1)) == (6, 6)
    assert not list(workspace.root.rglob("*.wav"))


def test_too_few_pairs_conclude_nothing(tmp_path: Path) -> None:
    found = estimate_offset(*copies(tmp_path, 3))
    assert found.quartiles is None


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    workspace, first, second = copies(tmp_path, 1)
    with pytest.raises(UsageError):
        estimate_offset(workspace, first, second, sample=0)
    with pytest.raises(UsageError):
        estimate_offset(workspace, first, first)
    workspace.ledger.unlink()
    with pytest.raises(DataMismatch):
        estimate_offset(workspace, first, second)
