"""The sources that a fetch names."""

from pathlib import Path

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.fetch.sources import named_sources


def test_sources_are_taken_in_their_order(tmp_path: Path) -> None:
    assert named_sources("youtube") == ("youtube",)
    several = (f"local:{tmp_path}", "hf:owner/name@v1", "youtube")
    assert named_sources(list(several)) == several


@pytest.mark.parametrize(
    "names", [[], ["youtube", "youtube"], ["vimeo"], ["youtube", "local:/no/such/folder"], ["hf:owner"]]
)
def test_what_is_no_source_or_named_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(UsageError):
        named_sources(names)
