"""What featurize did, as a table and as JSON."""

from dataclasses import replace
from pathlib import Path

from audioset_tools.featurize.run import FeaturizeResult
from audioset_tools.featurize.summary import featurize_json, featurize_table, remarks
from audioset_tools.shards.splits import Leak

RESULT = FeaturizeResult(
    folder=Path("shards/paper-c3f71be8"),
    shards=(Path("shards/paper-c3f71be8/train-00000.h5"),),
    built=1,
    reused=2,
    missing=0,
    clips={"train": {"Piano": 8, "Drums": 8}, "validation": {"Piano": 1, "Drums": 1}, "test": {"Piano": 1}},
    waiting={"Piano": 0, "Drums": 3},
    rows=34,
    empty_filters=4,
    short={("Piano", "test"): 2, ("Drums", "test"): 1},
    leak=Leak(groups=24, divided=22, tested=9, clips=16),
    of_list=False,
)


def test_what_is_not_as_it_should_be_is_told() -> None:
    short, leak = remarks(RESULT, "w/clips")
    assert short == "The test split is short by 1 of Drums, 2 of Piano: no group that is left fits whole."
    assert leak.startswith("22 of 24 groups (a video, a channel, one sound) stand in several splits: of 16")
    assert "9 have theirs in train. dataset.csv is frozen" in leak and "--source local:w/clips" in leak
    (listed,) = remarks(replace(RESULT, short={}, of_list=True), "w/clips")
    assert "The list's own splits stand" in listed
    assert not remarks(replace(RESULT, short={}, leak=Leak(24, 0, 0, 16)), "w/clips")


def test_a_row_for_each_class_and_a_column_for_each_split() -> None:
    table = featurize_table(RESULT)
    assert table.header == ("class", "train", "validation", "test", "left out for balance")
    assert table.rows == (("Piano", "8", "1", "1", "0"), ("Drums", "8", "1", "0", "3"))


def test_programs_are_given_names_and_counts() -> None:
    assert featurize_json(RESULT) == {
        "folder": "shards/paper-c3f71be8",
        "shards": ["train-00000.h5"],
        "built": 1,
        "reused": 2,
        "missing": 0,
        "rows": 34,
        "clips": {
            "train": {"Piano": 8, "Drums": 8},
            "validation": {"Piano": 1, "Drums": 1},
            "test": {"Piano": 1},
        },
        "left_out_for_balance": {"Piano": 0, "Drums": 3},
        "empty_filters": 4,
        "groups": {"groups": 24, "divided": 22, "tested": 9, "clips": 16},
        "short": [
            {"class": "Piano", "split": "test", "clips": 2},
            {"class": "Drums", "split": "test", "clips": 1},
        ],
    }
