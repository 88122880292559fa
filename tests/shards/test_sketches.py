"""Sketches and distances of fingerprints against what numpy says of the same bits, one at a time."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audioset_tools.audio.fingerprint import BANDS, FINGERPRINT_BYTES, FRAMES, fingerprint
from audioset_tools.shards import sketches
from audioset_tools.shards.sketches import BITS, MOST_APART, QUICK, REACH, RUN, STARTS, WORDS, Words
from tests.audio.test_fingerprint import IDS, sound, through

SEEDS = st.integers(0, 2**32 - 1)


def made(seed: int, clips: int, heard: float = 0.9) -> list[bytes]:
    """Fingerprints of which each bit stays for eleven frames on average, with some frames of silence."""
    rng = np.random.default_rng(seed)
    bits = np.cumsum(rng.random((clips, FRAMES, BANDS - 1)) < 1 / 11, axis=1) % 2 == 1
    audible = rng.random((clips, FRAMES)) < heard
    return [
        np.packbits(one).tobytes() + np.packbits(own).tobytes()
        for one, own in zip(bits, audible, strict=True)
    ]


def sketch_of(prints: list[bytes]) -> Words:
    return sketches.sketch(*sketches.unpacked(prints))


def bits_of(sketch: Words) -> np.ndarray:
    return np.unpackbits(sketch.astype("<u8").view(np.uint8), bitorder="little")[:BITS]


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0, 1))
def test_a_sketch_says_what_most_audible_frames_say(seed: int, heard: float) -> None:
    prints = made(seed, 3, heard)
    for one, sketch in zip(prints, sketch_of(prints), strict=True):
        flags = np.unpackbits(np.frombuffer(one, np.uint8)).astype(bool)
        bits, audible = flags[: FRAMES * (BANDS - 1)].reshape(25, 16, BANDS - 1), flags[-FRAMES:]
        audible = audible.reshape(25, 16)
        wanted = 2 * (bits & audible[:, :, None]).sum(axis=1) > audible.sum(axis=1)[:, None]
        # A frame's first bit is the highest of its word.
        assert (bits_of(sketch) == wanted[:, ::-1].ravel()).all()


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_sound_is_compared_with_itself_at_other_times(seed: int) -> None:
    prints = made(seed, 4)
    words, heard = sketches.unpacked(prints)
    lags = (23, 37, 53, 71, 97, 131, 173)
    for clip, found in enumerate(sketches.changes(words, heard)):
        apart = []
        for lag in lags:
            both = heard[clip, :-lag] & heard[clip, lag:]
            alone = (heard[clip, :-lag] ^ heard[clip, lag:]).sum()
            differing = (np.bitwise_count(words[clip, :-lag] ^ words[clip, lag:]) * both).sum()
            apart.append((differing + alone * 31 / 2) / ((both.sum() + alone) * 31))
        assert found == pytest.approx(np.median(apart), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.lists(st.booleans(), min_size=40, max_size=40))
def test_every_near_pair_with_a_new_one_is_found_and_no_other(seed: int, fresh: list[bool]) -> None:
    rng = np.random.default_rng(seed)
    # Near and far and between: each is one of four, of which a share of the bits is flipped.
    some = rng.integers(0, 2, (4, BITS), np.uint8)[rng.integers(0, 4, 40)]
    some ^= (rng.random((40, BITS)) < rng.random((40, 1)) / 3).astype(np.uint8)
    packed = np.packbits(np.pad(some, ((0, 0), (0, 64 * WORDS - BITS))), axis=1, bitorder="little")
    found_by = packed.view("<u8").astype(np.uint64)
    new = np.array(fresh)
    wanted = {
        (i, j)
        for i in range(40)
        for j in range(i + 1, 40)
        if (new[i] or new[j])
        and (some[i] ^ some[j]).sum() <= MOST_APART
        and (some[i, : 64 * QUICK] ^ some[j, : 64 * QUICK]).sum() <= round(0.42 * 64 * QUICK)
    }
    quick, found = np.ascontiguousarray(found_by[:, :QUICK].T), np.empty(40, np.intp)
    seen = set()
    for row in range(40):
        many = sketches.near(row, quick, found_by, new, found)
        seen |= {(row, int(other)) for other in found[:many]}
    assert seen == wanted


def test_the_same_sound_is_near_in_other_encodings_and_other_sounds_are_not() -> None:
    some = [sound(ytid) for ytid in IDS[:6]]
    own = sketch_of([fingerprint(one) for one in some])
    for codec, rate, form in (("libopus", "32k", "ogg"), ("libmp3lame", "64k", "mp3")):
        late = [np.roll(through(one, codec, "-b:a", rate, form=form), 1_600) for one in some]
        again = sketch_of([fingerprint(one) for one in late])
        apart = np.array([[(bits_of(one) ^ bits_of(other)).sum() for other in again] for one in own])
        same = np.eye(len(some), dtype=bool)
        assert apart[same].max() < MOST_APART < np.median(apart[~same])


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(0, 2), st.integers(1, 40), st.lists(st.booleans(), min_size=40, max_size=40))
@example(674, 0, 1, [number == 14 for number in range(40)])
def test_of_those_that_agree_in_bits_drawn_every_near_pair_is_found(
    seed: int, runs: int, together: int, fresh: list[bool]
) -> None:
    """By no bit at all every pair agrees; and wherever the work is cut, the same are found."""
    rng = np.random.default_rng(seed)
    some = sketch_of(made(seed, 8))[rng.integers(0, 8, 40)]
    some[:, 0] ^= rng.integers(0, 2, 40).astype(np.uint64) << rng.integers(0, 64, 40).astype(np.uint64)
    starts, new = rng.choice(STARTS, runs, replace=False), np.array(fresh)
    bits = np.array([bits_of(one) for one in some])
    drawn = (starts[:, None] + np.arange(RUN)).ravel().astype(int)
    keys = np.sort(sketches.keyed(some, starts, 0))
    place = (keys & np.uint64(63)).astype(int)
    assert sorted(place) == list(range(40))
    wanted = set[tuple[int, int]]()
    for at, i in enumerate(place.tolist()):
        near = [
            (min(i, j), max(i, j))
            for j in place[at + 1 : at + 1 + REACH].tolist()
            if (new[i] or new[j])
            and (bits[i][drawn] == bits[j][drawn]).all()
            and (bits[i] ^ bits[j]).sum() <= MOST_APART
            and (bits[i][: 64 * QUICK] ^ bits[j][: 64 * QUICK]).sum() <= round(0.42 * 64 * QUICK)
        ]
        wanted |= {*near[:8]}
    seen, pairs = set(), np.empty((together * REACH, 2), np.intp)
    for first in range(0, 40, together):
        many = sketches.near_in_order(keys, first, RUN * runs, some, new, 1.0, pairs)
        seen |= {(int(i), int(j)) for i, j in pairs[:many]}
    assert seen == wanted


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 300), st.integers(0, 3))
def test_keys_are_put_in_order(seed: int, many: int, runs: int) -> None:
    rng = np.random.default_rng(seed)
    some = rng.integers(0, 2**64, (many, WORDS), np.uint64) & np.uint64(
        rng.integers(0, 2**64, dtype=np.uint64)
    )
    keys = sketches.keyed(some, rng.choice(STARTS, runs, replace=False), 0)
    assert sketches.in_order(keys.copy()).tolist() == sorted(keys.tolist())


def test_of_many_that_are_near_few_pairs_are_taken_and_all_hang_together() -> None:
    alike, pairs = np.zeros((300, WORDS), np.uint64), np.empty((300 * REACH, 2), np.intp)
    keys = np.sort(sketches.keyed(alike, STARTS[:2], 0))
    many = sketches.near_in_order(keys, 0, 2 * RUN, alike, np.ones(300, bool), 0.3, pairs)
    assert many == 299 * 8 - sum(range(8))
    assert {(n, n + 1) for n in range(299)} <= {(int(i), int(j)) for i, j in pairs[:many]}


def test_most_pairs_are_told_apart_by_the_bits_beside_those_that_agree() -> None:
    """What differs in all of these is not looked at, be it near."""
    alike = np.zeros((2, WORDS), np.uint64)
    alike[1, 3] = 2**64 - 1
    keys, pairs = sketches.keyed(alike, STARTS[:1], 3), np.empty((2 * REACH, 2), np.intp)
    assert int(np.bitwise_count(alike[0] ^ alike[1]).sum()) < MOST_APART
    assert sketches.near_in_order(np.sort(keys), 0, RUN, alike, np.ones(2, bool), 0.9, pairs) == 0
    assert sketches.near_in_order(np.sort(keys), 0, RUN, alike, np.ones(2, bool), 1.0, pairs) == 1
    assert len(made(0, 1)[0]) == FINGERPRINT_BYTES
