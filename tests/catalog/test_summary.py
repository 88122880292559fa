"""A selection in words: tables, JSON, why one clip is in or out, and the candidates as CSV."""

import json
from pathlib import Path

import pytest

from audioset_tools.catalog.select import Selection
from audioset_tools.catalog.summary import explain_clip, funnel_json, funnel_tables, write_candidates
from audioset_tools.exceptions import UsageError
from tests.catalog.conftest import ROWS, ytid


def test_the_candidates_as_csv(selection: Selection, tmp_path: Path) -> None:
    write_candidates(selection, tmp_path / "c.csv")
    head, first, *rest = (tmp_path / "c.csv").read_text().splitlines()
    assert head == "key,ytid,start_ms,end_ms,class,also,tier,rank,subset"
    key, name, start_ms, end_ms, *others = first.split(",")
    assert key == f"{name}_{start_ms}" and int(end_ms) - int(start_ms) == 10_000
    assert others[:4] == ["Piano", "", "3", "0"]
    assert len(rest) + 1 == sum(map(len, selection.queues))


def test_every_clip_can_be_explained(selection: Selection) -> None:
    for row, words in [
        (0, "Piano: in, tier L3"),
        (2, "Drums: out, another instrument: Guitar"),
        (8, "rejected label"),
    ]:
        assert words in "\n".join(explain_clip(selection, ROWS[row][0]))
    for stranger in ["../../x", "-rf", "", "abcdefghij"]:
        with pytest.raises(UsageError, match="not in the lists"):
            list(explain_clip(selection, stranger))
    with pytest.raises(UsageError, match="not in the lists"):
        list(explain_clip(selection, ytid(123_456)))


def test_tables_and_json_say_the_same(selection: Selection) -> None:
    account = funnel_json(selection, 24)
    assert account["classes"]["Flute"]["fillable_with_dead_share"] == pytest.approx(0.2)
    json.dumps(account)
    text = "\n".join(" ".join(row) for table in funnel_tables(selection, 31) for row in table.rows)
    assert "never: 1 too few" in text


def test_every_class_of_a_clip_is_named(several: Selection, tmp_path: Path) -> None:
    words = "\n".join(explain_clip(several, ytid(3)))
    assert "Flute: in, tier L3, rank " in words
    assert "Drums: in, drawn for a rarer class" in words
    assert "carries: Drums, Flute, Piano" in words
    assert "carries: no class" in "\n".join(explain_clip(several, ytid(6)))
    write_candidates(several, tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_text().count(",Flute,Drums;Piano,3,") == 20
