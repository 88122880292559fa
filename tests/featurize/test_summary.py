"""What featurize did, as a table and as JSON."""

from pathlib import Path

from audioset_tools.featurize.run import FeaturizeResult
from audioset_tools.featurize.summary import featurize_json, featurize_table

RESULT = FeaturizeResult(
    folder=Path("shards/paper-c3f71be8"),
    shards=(Path("shards/paper-c3f71be8/train-00000.h5"),),
    built=1,
    reused=2,
    clips={"train": {"Piano": 8, "Drums": 8}, "validation": {"Piano": 1, "Drums": 1}, "test": {"Piano": 1}},
    waiting={"Piano": 0, "Drums": 3},
    rows=34,
    empty_filters=4,
)


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
        "rows": 34,
        "clips": {
            "train": {"Piano": 8, "Drums": 8},
            "validation": {"Piano": 1, "Drums": 1},
            "test": {"Piano": 1},
        },
        "left_out_for_balance": {"Piano": 0, "Drums": 3},
        "empty_filters": 4,
    }
