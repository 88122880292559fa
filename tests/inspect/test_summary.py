"""A spec in words."""

from audioset_tools.inspect.summary import spec_words
from audioset_tools.shards.spec import MelSpec


def test_a_spec_in_words() -> None:
    assert spec_words(MelSpec()) == (
        "128 bands of 0 to 8,000 Hz on HTK's scale (equal height) by 801 frames of 12.5 ms; power;"
        " 16,000 Hz, window 400, FFT 400, hop 200, centred"
    )
    words = spec_words(MelSpec(log=True, htk=False, norm="slaney", center=False))
    assert "decibels, 80 below" in words and "Slaney" in words and "equal area" in words
    assert "to the power 1.5" in spec_words(MelSpec(power=1.5, top_db=60))
    assert "; amplitude;" in spec_words(MelSpec(power=1, top_db=40))
