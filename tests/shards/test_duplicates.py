"""The same sound is found among others in whatever encoding; what says nothing is the same as nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.audio.fingerprint import FINGERPRINT_BYTES, SAME_BELOW, distance, fingerprint
from audioset_tools.shards import duplicates
from audioset_tools.shards.sketches import (
    REACH,
    RUN,
    Flags,
    Numbers,
    Words,
    distances,
    keyed,
    sketch,
    unpacked,
)
from tests.audio.test_fingerprint import IDS, sound, through

SECONDS = np.arange(160_000) / 16_000


def same_sound(prints: list[bytes], fresh: list[bool]) -> list[tuple[int, int]]:
    """Where all fingerprints are at hand."""
    sketching = duplicates.Sketching()
    for start in range(0, len(prints), 5):
        sketching.add(prints[start : start + 5])
    sounds = sketching.sounds(lambda some: [prints[n] for n in some.tolist()])
    return duplicates.same_sound(sounds, np.array(fresh, np.bool_), np.arange(len(fresh)))


def tone(hertz: float) -> bytes:
    return fingerprint((8_000 * np.sin(2 * np.pi * hertz * SECONDS)).astype(np.int16))


@pytest.fixture(scope="module")
def prints() -> list[bytes]:
    return [fingerprint(sound(ytid)) for ytid in IDS]


def test_another_upload_of_a_sound_is_found_among_others(prints: list[bytes]) -> None:
    others = [
        fingerprint(np.roll(through(sound(IDS[3]), "libopus", "-b:a", "48k", form="ogg"), 700)),
        fingerprint(through(sound(IDS[7]), "libmp3lame", "-b:a", "64k", form="mp3")),
        fingerprint(through(sound(IDS[7]), "aac", "-b:a", "96k", form="adts")),
    ]
    found = same_sound([*prints, *others], [True] * (len(prints) + 3))
    # So many pairs that all hang together: of three that are the same two.
    assert (3, 12) in found and len(found) == 3
    assert {n for pair in found for n in pair} == {3, 12, 7, 13, 14}
    assert same_sound([*prints, *others], [False] * 15) == []
    assert same_sound([*prints, *others], [n == 12 for n in range(15)]) == [(3, 12)]
    # With 5 that is no fingerprint, as of a clip that an older version fetched.
    assert same_sound([*prints[:5], b"", *prints[5:], others[0]], [True] * 14) == [(3, 13)]


def test_where_the_work_is_cut_makes_no_difference(
    prints: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [*prints, *prints[::-1]]
    whole = same_sound(some, [True] * 24)
    assert len(whole) == 12 and all(one + other == 23 for one, other in whole)
    monkeypatch.setattr(duplicates, "_BLOCK", 5)
    monkeypatch.setattr(duplicates, "_PAIRS", 2)
    assert sorted(same_sound(some, [True] * 24)) == sorted(whole)


def test_however_many_are_one_sound_few_pairs_lie_in_memory_together(
    prints: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pair of 300 is near: 44,850."""
    monkeypatch.setattr(duplicates, "_BLOCK", 1_000)
    alike = np.repeat(sketch(*unpacked(prints[:1])), 300, axis=0)
    blocks = [len(pairs) for pairs in duplicates._near(alike, np.ones(300, np.bool_))]
    assert sum(blocks) == 44_850 and max(blocks) <= 1_000
    assert len(same_sound([prints[0]] * 300, [True] * 300)) == 299


def test_among_many_the_same_sounds_are_found_without_comparing_every_pair(
    prints: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve real sounds, each again through a codec, among 1,200 others; every pair would be 743,000."""
    rng = np.random.default_rng(0)
    moves = np.cumsum(rng.random((1_200, 400, 31)) < 1 / 11, axis=1) % 2 == 1
    others = [np.packbits(one).tobytes() + b"\xff" * 50 for one in moves]
    again = [fingerprint(through(sound(ytid), "libopus", "-b:a", "32k", form="ogg")) for ytid in IDS]
    some = [*prints, *others, *again]
    wanted = {(n, n + len(prints) + 1_200) for n in range(len(prints))}
    whole = {*same_sound(some, [True] * len(some))}
    assert whole == wanted
    compared: list[int] = []
    agreeing = duplicates._agreeing
    monkeypatch.setattr(duplicates, "_EVERY_PAIR", 100)
    monkeypatch.setattr(duplicates, "near", None)

    def counting(sketches: Words, new: Flags, drawn: tuple[Numbers, int]) -> Numbers:
        keys = np.sort(keyed(sketches, *drawn)) >> np.uint64(64 - RUN * len(drawn[0]))
        compared.append(sum(int((keys[n:] == keys[:-n]).sum()) for n in range(1, REACH + 1)))
        return agreeing(sketches, new, drawn)

    monkeypatch.setattr(duplicates, "_agreeing", counting)
    assert {*same_sound(some, [True] * len(some))} == wanted
    assert len(compared) == duplicates._DRAWS and max(compared) < 743_000 / 100


def test_what_hardly_changes_or_is_hardly_heard_is_the_same_as_nothing(prints: list[bytes]) -> None:
    first, other = tone(440), tone(1_000)
    apart = distance(first, other)
    # Which is why being near is not enough.
    assert apart is not None and apart < SAME_BELOW
    short = sound(IDS[0]).copy()
    short[16_000:] = 0
    silent = fingerprint(np.zeros(160_000, np.int16))
    useless = [first, other, first, silent, silent, *[fingerprint(short)] * 2, b"", b"\0" * 80]
    assert same_sound([*useless, *prints], [True] * 21) == []
    assert same_sound([], []) == same_sound([b""], [True]) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(min_size=40, max_size=40), min_size=2, max_size=4), st.integers(-4, 4))
def test_they_are_as_far_apart_as_two_fingerprints_alone(seeds: list[bytes], shift: int) -> None:
    made = []
    for seed in seeds:
        rng = np.random.default_rng([*seed])
        made.append(rng.bytes(FINGERPRINT_BYTES))
    frames = np.unpackbits(np.frombuffer(made[0], np.uint8))
    bits, heard = frames[:12_400].reshape(400, 31), frames[12_400:]
    moved = [np.packbits(np.roll(part, shift, axis=0)).tobytes() for part in (bits, heard)]
    made.append(b"".join(moved))
    words, there = unpacked(made)
    i, j = np.triu_indices(len(made), 1)
    alone = [distance(made[one], made[other]) for one, other in zip(i, j, strict=True)]
    assert distances(words, there, i, j).tolist() == alone
