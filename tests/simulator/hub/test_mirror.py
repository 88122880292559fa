"""A mirror of PANNs' form: which zips, which members, and what they sound like."""

import io
import zipfile
from pathlib import Path

import numpy as np
import soundfile

from audioset_tools.simulator import Plan
from audioset_tools.simulator.hub.mirror import MIRROR_RATE, cut, write_mirror, write_zip
from audioset_tools.simulator.plan import TableRow
from audioset_tools.simulator.sounds import wanted

TABLE = {f"{number:010}A": TableRow("Flute", 30_000, 40_000) for number in range(16)}
PLAN = Plan(seed=2, table=TABLE)


def members(folder: Path) -> dict[str, list[str]]:
    return {
        path.relative_to(folder).as_posix(): zipfile.ZipFile(path).namelist()
        for path in sorted(folder.rglob("*.zip"))
    }


def test_the_zips_are_as_panns_authors_made_them(tmp_path: Path) -> None:
    held = write_mirror(tmp_path, PLAN, TABLE, part=8)
    assert held == list(TABLE)
    found = members(tmp_path)
    assert list(found) == [
        "balanced/balanced_train_segments_full.zip",
        "eval/eval_segments_full.zip",
        "unbalanced/unbalanced_train_segments_part00_full.zip",
        "unbalanced/unbalanced_train_segments_part01_full.zip",
    ]
    assert [len(names) for names in found.values()] == [2, 2, 8, 4]
    assert {f"Y{ytid}.wav" for ytid in TABLE} == {name for names in found.values() for name in names}


def test_a_share_of_the_videos_is_missing_and_the_same_ones_each_time(tmp_path: Path) -> None:
    held = write_mirror(tmp_path / "a", PLAN, TABLE, share=0.5, part=8)
    assert 2 < len(held) < 14
    assert write_mirror(tmp_path / "b", PLAN, TABLE, share=0.5, part=8) == held
    assert members(tmp_path / "a") == members(tmp_path / "b")
    for path in (tmp_path / "a").rglob("*.zip"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_a_file_is_ten_seconds_of_the_segment_at_32_kilohertz() -> None:
    samples, rate = soundfile.read(io.BytesIO(cut(PLAN, "0000000003A")))
    assert (rate, samples.shape) == (MIRROR_RATE, (320_000,))
    perfect = wanted(PLAN, "0000000003A")
    close = np.corrcoef(samples[::2][: len(perfect)], perfect)[0, 1]
    assert close > 0.95


def test_a_zip_may_hold_any_names_in_any_order(tmp_path: Path) -> None:
    write_zip(tmp_path / "x" / "odd.zip", [("../b", b"1"), ("a", b"2")])
    assert zipfile.ZipFile(tmp_path / "x" / "odd.zip").namelist() == ["../b", "a"]
