"""What names a data set of the Hub, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import UsageError
from audioset_tools.sources.hub.address import HubAddress, parse_address


@pytest.mark.parametrize(
    ("text", "repo", "revision"),
    [
        ("hf:confit/audioset-full", "confit/audioset-full", None),
        ("hf:A/b.c_d", "A/b.c_d", None),
        ("hf:confit/audioset-full@main", "confit/audioset-full", "main"),
        ("hf:confit/audioset-full@refs/convert/parquet", "confit/audioset-full", "refs/convert/parquet"),
        (f"hf:a/b@{'0a' * 20}", "a/b", "0a" * 20),
    ],
)
def test_a_data_set_and_perhaps_a_revision(text: str, repo: str, revision: str | None) -> None:
    address = parse_address(text)
    assert address == HubAddress(repo, revision)
    assert str(address) == text
    assert address.page == f"https://huggingface.co/datasets/{repo}"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "hf:",
            "hf:confit",
            "hf:confit/",
            "hf:/x",
            "hf:a/b/c",
            "hf:a/b@",
            "hf:a b/c",
            "hf:../etc",
            "hf:a/..b",
        ),
        *(
            "hf:a/b@../../x",
            "hf:-a/b",
            "hf:a--b/c",
            "hf:a/b@-x",
            "hf:a/b\n",
            "hf:ä/b",
            "hf:a/b.",
            "local:a/b",
        ),
        f"hf:{'a' * 97}/b",
        f"hf:a/b@{'x' * 201}",
    ],
)
def test_what_names_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no data set"):
        parse_address(text)


@given(st.text(max_size=50))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert str(parse_address(f"hf:{text}")) == f"hf:{text}"
    except UsageError as error:
        assert str(error).isascii() or str(error)
