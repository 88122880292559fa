"""The index of sounds by video: everything is found again, also from the disk, and nothing else."""

import tracemalloc
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.archives.index import (
    Found,
    Lister,
    Listing,
    SoundIndex,
    Strange,
    load_listing,
    number_of,
    save_listing,
    ytid_of,
)
from audioset_tools.types import YTID

ids = st.from_regex(YTID, fullmatch=True)
names = st.builds(
    "{}{}{}".format, ids, st.sampled_from(["", "_30", "_30_40"]), st.sampled_from([".wav", ".é\udcff.m4a"])
)
entries = st.tuples(names, st.tuples(st.integers(0, 2**63 - 1), st.integers(-5, 5)))


def listing_of(*content: tuple[str, tuple[int, ...]]) -> Listing:
    lister = Lister(2)
    for name, place in content:
        assert lister.add(name, place)
    return lister.listing()


@given(ids)
def test_an_id_is_a_number_and_back(ytid: str) -> None:
    assert ytid_of(number_of(ytid)) == ytid


@given(st.lists(st.lists(entries, max_size=5), max_size=4))
def test_every_sound_is_found_by_its_video_in_the_order_of_the_listings(
    content: list[list[tuple[str, tuple[int, ...]]]],
) -> None:
    index = SoundIndex([listing_of(*one) for one in content])
    expected = defaultdict(list)
    for number, one in enumerate(content):
        for name, place in one:
            expected[name[:11]].append(Found(number, name, place))
    assert len(index) == sum(map(len, content))
    assert {ytid_of(number) for number in index.ids.tolist()} == set(expected)
    for ytid, found in expected.items():
        assert index.has(ytid) and list(index.find(ytid)) == found


def test_what_is_not_there_is_not_found() -> None:
    index = SoundIndex([listing_of(("abcdefghijA.wav", (1, 2)))])
    for ytid in ("----------A", "abcdefghijE", "zzzzzzzzzzA"):
        assert not index.has(ytid)
        assert not list(index.find(ytid))


@given(st.lists(entries, max_size=9))
def test_a_listing_is_the_same_from_the_disk(
    tmp_path_factory: pytest.TempPathFactory, content: list[tuple[str, tuple[int, ...]]]
) -> None:
    path, listing = tmp_path_factory.mktemp("index") / "x.index", listing_of(*content)
    save_listing(path, listing, Strange(3, ["a.wav"]), [["x.zip", 5, 7]])
    loaded = load_listing(path, [["x.zip", 5, 7]])
    assert loaded is not None
    for name in ("ids", "ends", "places"):
        assert np.array_equal(getattr(loaded[0], name), getattr(listing, name))
    assert loaded[0].names == listing.names
    assert loaded[1] == Strange(3, ["a.wav"])
    assert load_listing(path, [["x.zip", 5, 8]]) is None


@given(st.data())
def test_a_kept_listing_that_is_damaged_is_none(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("index") / "x.index"
    save_listing(path, listing_of(("abcdefghijA.wav", (1, 2))), Strange(), "now")
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path.write_bytes(content)
    loaded = load_listing(path, "now")
    # A flip in the line of JSON may leave it one.
    assert loaded is None or list(SoundIndex([loaded[0]]).find("abcdefghijA")) == [
        Found(0, "abcdefghijA.wav", (1, 2))
    ]
    assert load_listing(path.with_name("none"), "now") is None


def test_strange_names_are_counted_and_some_are_kept() -> None:
    lister = Lister(1)
    for name in ("song.wav", "b.mp3", "notes.txt", "README", "x" * 900 + ".wav", "c.flac", "abcdefghijA.jpg"):
        assert not lister.add(name, [0])
    assert lister.strange.count == 4
    assert lister.strange.examples == ["song.wav", "b.mp3", "x" * 200]
    assert len(lister.listing()) == 0


def test_a_million_sounds_take_some_fifty_bytes_each() -> None:
    tracemalloc.start()
    lister = Lister(2)
    for number in range(20_000):
        lister.append(f"Y{number:010}A.wav", f"{number:010}A", (number, 320_044))
    index = SoundIndex([lister.listing()])
    del lister
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 60 * len(index)
