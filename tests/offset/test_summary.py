"""The offset of two sources in words."""

from audioset_tools.offset.correlate import Offset
from audioset_tools.offset.run import ComparedPair, OffsetEstimate
from audioset_tools.offset.summary import offset_json, offset_lines, offset_table
from tests.factories import numbered


def estimate(*offsets: Offset) -> OffsetEstimate:
    queue = numbered(len(offsets))
    pairs = (ComparedPair(one, its, ("a", "b")) for one, its in zip(queue, offsets, strict=True))
    return OffsetEstimate(("youtube", "hf:x/y"), tuple(pairs), lacked=3)


def test_the_table_has_the_median_the_spread_and_what_could_not_tell() -> None:
    found = estimate(*(Offset(ms, 9.0) for ms in (110, 119, 120, 121, 180)), Offset(-900, 1.1))
    rows = dict(offset_table(found).rows)
    assert rows["offset of the second, median"] == "+120.0 ms"
    assert rows["all of them between"] == "+110.0 and +180.0 ms"
    assert (rows["pairs compared"], rows["pairs with a clear offset"]) == ("6", "5")
    assert rows["within 1 ms of the median"] == "60%"
    assert "1 pair was left out" in offset_lines(found)[0]
    assert offset_json(found)["median_ms"] == 120
    assert [pair["clear"] for pair in offset_json(found)["pairs"]] == [True] * 5 + [False]


def test_too_few_pairs_conclude_nothing() -> None:
    found = estimate(*[Offset(1.0, 9.0)] * 4)
    assert "too few" in offset_lines(found)[-1]
    assert offset_json(found)["quartiles_ms"] is None
