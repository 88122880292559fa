"""The data card: counts, versions, licences and how to cite."""

import hashlib
from dataclasses import replace
from pathlib import Path

from audioset_tools import __version__
from audioset_tools.ledger import Ledger
from audioset_tools.report.sections.card import card_section
from audioset_tools.report.snapshot import read_snapshot
from audioset_tools.shards.dataset import read_dataset, write_dataset
from audioset_tools.types import VideoInfo
from audioset_tools.workspace import Workspace
from tests.report.pages import Read, read_report
from tests.report.workspaces import RUN, ledger_only


def test_the_card_counts_the_clips_of_every_class_and_split(once: Path) -> None:
    text = Read(once / "index.html").text
    # Verified, in train, validation and test, and candidates left out.
    for words in ("Tone53111", "Noise53110", "all106221"):
        assert words in text
    for words in (__version__, "CC BY-SA 4.0", "Gemmeke", "mono, 16,000 Hz, 16 bits", "c3f71be82b63d8d5"):
        assert words in text


def test_the_card_says_how_to_make_it_again_and_what_it_was_made_with(
    workspace: Workspace, once: Path
) -> None:
    text = Read(once / "index.html").text
    digest = hashlib.sha256(workspace.dataset.read_bytes()).hexdigest()
    for words in (
        digest,
        "audioset-tools fetch --list manifest.json",
        "@software{audioset_tools",
        "synthetic 10",
    ):
        assert words in text
    for name in ("Python 3.", "yt-dlp 20", "librosa 0.", f"audioset-tools {__version__}"):
        assert name in text
    # Two runs of one spec.
    assert text.count('"hop_length": 200') == 1 and f"knn, {RUN}" in text


def test_before_featurize_the_card_says_what_draws_the_splits(tmp_path: Path) -> None:
    page = read_report(ledger_only(tmp_path), tmp_path / "out")
    assert "The splits are not drawn yet." in page.text and "there are none yet" in page.text


def test_the_card_does_not_depend_on_where_the_workspace_lies(workspace: Workspace, copy: Workspace) -> None:
    assert card_section(read_snapshot(workspace)) == card_section(read_snapshot(copy))


def test_groups_in_several_splits_are_told_on_the_card_and_above_the_runs(
    copy: Workspace, tmp_path: Path
) -> None:
    assert read_snapshot(copy).leak == ""
    placed = read_dataset(copy.dataset)
    train, test = (next(one for one in placed if one.split == split) for split in ("train", "test"))
    write_dataset(copy.dataset, [replace(o, group=train.group) if o.key == test.key else o for o in placed])
    leak = read_snapshot(copy).leak
    assert (
        leak.startswith("1 of 9 groups")
        and "of 4 clips in validation and test 1 have theirs in train" in leak
    )
    page = read_report(copy, tmp_path / "out")
    assert page.text.count(leak) == 2


def test_of_splits_before_there_were_groups_it_is_told_by_what_the_ledger_knows(copy: Workspace) -> None:
    placed = read_dataset(copy.dataset)
    write_dataset(copy.dataset, [replace(one, group="") for one in placed])
    assert read_snapshot(copy).leak == ""
    train, test = (next(one for one in placed if one.split == split) for split in ("train", "test"))
    with Ledger(copy.ledger) as ledger:
        pairs = [(one, clip) for one, clip in ledger.clips() if clip.key in (train.key, test.key)]
        for candidate, clip in pairs:
            ledger.accept(candidate, replace(clip, video=VideoInfo("UC" + "0" * 22, "", "")), at=9)
    assert read_snapshot(copy).leak.startswith("1 of 9 groups")
