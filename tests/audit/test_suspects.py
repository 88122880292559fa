"""`audit.csv` is read as it was written, or refused by its line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.audit.suspects import COLUMNS, StoredSuspects, Suspect, read_suspects, write_suspects
from audioset_tools.exceptions import DataMismatch
from tests.errors.mistaken import key_of

NAMES = ("Piano", "p(Drums)", "=Flute,\n", "class")
SUSPECT = Suspect(
    key_of(1), 1, ("Piano",), ("class",), 0.25, 0.5, "test", "clips/Piano/Y.wav", (0.25, 0, 0.25, 0.5)
)

millionths = st.integers(0, 10**6).map(lambda n: n / 10**6)
suspects = st.lists(
    st.builds(
        Suspect,
        key=st.integers(0, 999_999).map(key_of),
        rank=st.integers(1, 10**6),
        classes=st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
        suggested=st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
        probability=millionths,
        suggested_probability=millionths,
        split=st.sampled_from(["train", "validation", "test"]),
        path=st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
        of_classes=st.tuples(*[millionths] * len(NAMES)),
    ),
    max_size=5,
    unique_by=lambda one: one.key,
)


@given(suspects)
@settings(max_examples=15)
def test_it_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, given: list[Suspect]) -> None:
    path = tmp_path_factory.mktemp("audit") / "in" / "audit.csv"
    write_suspects(path, NAMES, given)
    assert read_suspects(path) == StoredSuspects(NAMES, tuple(given))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("key,rank", "rank,key", "line 1"),
        ("p(Piano)", "Piano", "not those of classes"),
        (key_of(1), "=cmd()", "line 2: no clip's key"),
        ("0.250000,0.5", "nan,0.5", "line 2: a probability outside"),
        (",1,", ",first,", "line 2"),
        (",Piano,", ",Tuba,", "line 2: no class of this audit: 'Tuba'"),
        (",test,", ",", "line 2"),
    ],
)
def test_what_is_damaged_is_refused_by_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "audit.csv"
    write_suspects(path, NAMES, [SUSPECT])
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataMismatch, match=r"audit\.csv") as refused:
        read_suspects(path)
    assert said in refused.value.what and "audioset-tools audit" in refused.value.remedy


def test_one_that_is_missing_or_has_no_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="is missing"):
        read_suspects(tmp_path / "audit.csv")
    (tmp_path / "audit.csv").write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(DataMismatch, match="line 1"):
        read_suspects(tmp_path / "audit.csv")


def test_a_clip_stands_there_once(tmp_path: Path) -> None:
    write_suspects(tmp_path / "audit.csv", NAMES, [SUSPECT, SUSPECT])
    with pytest.raises(DataMismatch, match="line 3"):
        read_suspects(tmp_path / "audit.csv")
