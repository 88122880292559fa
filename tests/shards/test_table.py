"""The clips of a ledger as columns, with what joins them; fingerprints are read when they are asked for."""

from collections.abc import Iterator

import numpy as np

from audioset_tools.ledger.columns import columns_of
from audioset_tools.shards.table import ClipTable
from audioset_tools.types import Clip, VideoInfo
from tests.shards.test_splits import CHANNEL, clip


def some() -> Iterator[Clip]:
    yield clip("a", "Piano", 3, fingerprint=b"one", video=VideoInfo(CHANNEL, "A channel", "A title"))
    yield clip("b", "Drums", 1, fingerprint=b"two", group="x", split="test")
    yield clip("c", "Drums", 2, group="x", video=VideoInfo("no channel", "", ""))


def test_each_clip_is_as_it_would_be_placed() -> None:
    table = ClipTable.of(some())
    assert [(one.key, one.class_name, one.split, one.group) for one in table.clips] == [
        ("a", "Piano", "", ""),
        ("b", "Drums", "test", ""),
        ("c", "Drums", "", ""),
    ]
    assert [one.path for one in table.clips] == [one.path for one in some()]
    assert table.rank.tolist() == [3, 1, 2]
    assert table.channel.tolist() == [CHANNEL.encode(), b"", b""]
    assert table.named.tolist() == [-1, 0, 0]


def test_fingerprints_are_those_of_the_clips_or_read_where_they_lie() -> None:
    assert ClipTable.of(some()).sounds.prints(np.array([2, 0])) == [b"", b"one"]
    parts = [columns_of([one]) for one in some()]
    table = ClipTable.gathered(parts, lambda numbers: [b"read %d" % n for n in numbers])
    assert table.sounds.prints(np.array([1])) == [b"read 1"]
    assert table.clips == ClipTable.of(some()).clips and table.named.tolist() == [-1, 0, 0]
