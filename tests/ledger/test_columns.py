"""Clips as columns are what they are as objects, and what is damaged is refused in either form."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.ledger import Ledger
from audioset_tools.ledger import ledger as ledgers
from audioset_tools.ledger.columns import ClipColumns, clip_columns, columns_of
from audioset_tools.ledger.rows import LOADED, OWN
from audioset_tools.ledger.schema import sealed
from audioset_tools.types import Clip, KeptSource, VideoInfo
from tests.factories import candidate, origin, reseal
from tests.factories import clip as clip_of


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Seven clips, some of several classes, one kept, one of a channel, one of a group."""
    some = [
        replace(candidate(f"{n:010}A", 0, "Piano" if n % 2 else "Drums", n), labels=("/m/05r5c", f"/m/{n}"))
        for n in range(7)
    ]
    some[2] = replace(some[2], also=("Piano",), split="test", group="a group")
    with Ledger(tmp_path / "ledger.sqlite") as made:
        made.load(origin("Piano", "Drums"), some)
        for one in some:
            clip = replace(clip_of(one), fingerprint=bytes([one.rank]) * 1_600)
            if one.rank == 3:
                clip = replace(
                    clip, kept=KeptSource("sources/x", "b" * 64, 7), video=VideoInfo("UC", "é", "\x1f")
                )
            made.accept(one, clip, 0)
        yield made


def forge(ledger: Ledger) -> None:
    """Give every row the seals by which it is read: whoever writes a ledger of his own can."""
    own = OWN.replace("fingerprint", "'x' || lower(hex(fingerprint))")
    rows = [*ledger.rows(f"SELECT rank, {LOADED} FROM candidate")]
    clips = [*ledger.rows(f"SELECT rank, ytid, start_ms, {own} FROM clip JOIN candidate USING (rank)")]
    with ledger.transaction() as execute:
        for table, some in (("candidate", rows), ("clip", clips)):
            for rank, *values in some:
                execute(
                    f"UPDATE {table} SET seal = ? WHERE rank = ?",
                    (sealed("\x1f".join(map(str, values))), rank),
                )


def together(ledger: Ledger) -> ClipColumns:
    some = [*clip_columns(ledger)]
    return ClipColumns(*([one for columns in some for one in columns[n]] for n in range(len(some[0]))))


def clips(ledger: Ledger) -> list[Clip]:
    return [clip for _, clip in ledger.each_clip()]


@pytest.mark.parametrize("at_once", [1, 2, 7, 500])
def test_columns_are_what_the_objects_are(
    ledger: Ledger, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "_CLIPS_AT_ONCE", at_once)
    found = together(ledger)
    assert [*map(list, found)] == [*map(list, columns_of(clips(ledger)))]
    assert [*found.key] == [clip.key for clip in clips(ledger)] and len(found.key) == 7
    assert found.only([n == 1 for n in range(7)]) == tuple([column[1]] for column in found)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("candidate", "labels = 'x'"),
        ("candidate", "end_ms = end_ms + 1"),
        ("clip", "sha256 = 'x'"),
        ("clip", "fingerprint = zeroblob(1600)"),
        ("clip", "fingerprint = 'text'"),
        ("clip", "kept_begins_ms = 8"),
        ("video", "channel_id = 'UD'"),
        ("named_group", "name = 'another'"),
    ],
)
def test_a_value_that_changed_is_refused_in_either_form(ledger: Ledger, table: str, change: str) -> None:
    """Of the last row that has one, so that nothing else is wrong."""
    other = sqlite3.connect(ledger.path)
    has = {"clip": "kept_path IS NOT NULL" if "kept" in change else "1"}.get(table, "1")
    (key,) = {"video": ("ytid",)}.get(table, ("rank",))
    assert other.execute(
        f"UPDATE {table} SET {change} WHERE {key} = (SELECT max({key}) FROM {table} WHERE {has})"
    ).rowcount
    other.commit()
    other.close()
    for read in (together, clips):
        with pytest.raises(DataMismatch, match="what is stored makes no sense"):
            read(ledger)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("split", "sideways", "a clip of no split"),
        ("ytid", "../../../etc", "not a video id"),
        ("start_ms", "x", "no int"),
        ("also", "7", "out of range"),
        ("labels", b"\xff", "no str"),
    ],
)
def test_what_makes_no_sense_is_refused_though_its_seal_be_right(
    ledger: Ledger, column: str, value: object, said: str
) -> None:
    with ledger.transaction() as execute:
        execute(f"UPDATE candidate SET {column} = ? WHERE rank = 6", (value,))
    reseal(ledger)
    forge(ledger)
    with pytest.raises(DataMismatch, match=said):
        together(ledger)


@pytest.mark.parametrize(
    ("value", "said"), [(b"ab", "no str"), ("\u00e9" * 64, "a sha256"), ("a" * 65, "a sha256")]
)
def test_a_digest_that_is_none_is_refused_though_its_seal_be_right(
    ledger: Ledger, value: object, said: str
) -> None:
    with ledger.transaction() as execute:
        execute("UPDATE clip SET sha256 = ? WHERE rank = 6", (value,))
    forge(ledger)
    with pytest.raises(DataMismatch, match=said):
        together(ledger)


def test_what_a_channel_is_called_may_be_anything(ledger: Ledger) -> None:
    with ledger.transaction() as execute:
        execute("UPDATE video SET channel_id = x'ff'")
        execute("UPDATE video SET seal = seal_of(ytid, channel_id, channel, title)")
    assert [*together(ledger).channel_id].count("") == 6
