"""The axes around a clip's picture."""

from itertools import pairwise
from xml.etree.ElementTree import fromstring

import pytest

from audioset_tools.report.axes import PICTURE, TOP, axes_symbol, hertz_marks, hertz_ticks
from audioset_tools.shards.spec import MelSpec, mel_axis


def test_a_frequency_stands_beside_the_band_that_it_lies_in() -> None:
    spec = MelSpec()
    middles = mel_axis(spec, spec.n_mels + 2)[1:-1]
    for hertz, y in hertz_ticks(spec)[:-1]:
        band = spec.n_mels * (1 - (y - TOP) / PICTURE[1]) - 0.5
        assert abs(middles[round(band)] - hertz) <= max(middles[round(band) + 1] - middles[round(band)], 1)
    assert hertz_ticks(spec)[-1] == (8_000, pytest.approx(TOP + 1, abs=1))


@pytest.mark.parametrize(
    "spec", [MelSpec(), MelSpec().at(44_100), MelSpec(fmin=300, fmax=3_000), MelSpec(n_mels=8, htk=False)]
)
def test_numbers_are_ascending_within_the_bands_and_do_not_touch(spec: MelSpec) -> None:
    found = hertz_ticks(spec)
    assert len(found) >= 3 and all(spec.fmin <= hertz <= spec.fmax for hertz, _ in found)
    heights = [y for _, y in found]
    assert all(low - high >= 17 for low, high in pairwise(heights))
    assert all(TOP <= y <= TOP + PICTURE[1] for y in heights)


def test_the_symbol_has_seconds_and_hertz() -> None:
    texts = [one.text for one in fromstring(axes_symbol(MelSpec())).iter("text")]
    assert {"0", "2", "10", "s", "Hz", "8k", "1k", "500"} <= set(texts)


def test_the_same_in_words_and_in_percent_of_the_picture() -> None:
    (lowest, bottom), *_, (highest, top) = hertz_marks(MelSpec())
    assert (lowest, highest) == ("125", "8k") and 0 <= top < 2 and 80 < bottom < 100
