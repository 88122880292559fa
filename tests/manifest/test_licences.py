"""What is cited can be cited, and no licence is claimed for the audio."""

import re

from audioset_tools.manifest.licences import AUDIOSET, LICENCES, PAPER


def test_citations_are_bibtex_entries_with_a_key_each() -> None:
    entry = re.compile(r"@\w+\{(\w+),\n(?:  \w+\s*= \{[^{}]+\},?\n)+\}")
    found = [entry.fullmatch(re.sub(r"\n {15}", " ", text)) for text in (AUDIOSET, PAPER)]
    assert [one and one[1] for one in found] == ["gemmeke2017audioset", "haidarahmad2019music"]


def test_the_audio_is_not_ours_to_license() -> None:
    licences = dict(LICENCES)
    assert "not ours to license" in licences["the audio"] and "CC" not in licences["the audio"]
