"""A file that is never written: it is read by range, and only what a range touches is made."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.simulator import decide
from audioset_tools.simulator.bank import FORMATS, Studio
from audioset_tools.simulator.media import VirtualFile
from tests.simulator.files import YTID, plan, whole


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), data=st.data())
def test_a_range_of_a_virtual_file_is_a_slice(sizes: list[int], data: st.DataObject) -> None:
    bodies = [bytes([place] * size) for place, size in enumerate(sizes)]
    file = VirtualFile([(len(body), lambda body=body: body) for body in bodies])  # type: ignore[misc]
    begin = data.draw(st.integers(0, len(file)))
    end = data.draw(st.integers(begin, len(file)))
    assert b"".join(file.read(begin, end)) == b"".join(bodies)[begin:end]


def test_a_range_makes_only_the_parts_it_touches() -> None:
    made = []

    def make(place: int) -> bytes:
        made.append(place)
        return b"x" * 10

    file = VirtualFile([(10, lambda place=place: make(place)) for place in range(100)])  # type: ignore[misc]
    assert b"".join(file.read(515, 535)) == b"x" * 20
    assert made == [51, 52, 53]


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.floats(0, 1), max_size=6))
def test_ranges_add_up_to_the_whole(studio: Studio, cuts: list[float]) -> None:
    for format in FORMATS:
        file = studio.file(decide(plan("Flute", 30_000), YTID), format)
        borders = [0, *sorted(int(cut * len(file)) for cut in cuts), len(file)]
        pieces = [b"".join(file.read(*pair)) for pair in itertools.pairwise(borders)]
        assert b"".join(pieces) == whole(file)
