"""An exclusion list is read as it was meant, or refused whole with the line and what is wrong."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch
from audioset_tools.removal.exclusions import (
    HEADER,
    LONGEST_NOTE,
    LONGEST_REASON,
    Exclusion,
    parse_exclusions,
)
from audioset_tools.types import KEY

LIST = "key,reason,note\n-0SdAVK79lg_30000,mislabelled,a xylophone\n__p-iA312kg_0,other sounds,\n"

TEXT = st.characters(exclude_categories=("Cc", "Cs"))


def plain(text: str) -> bool:
    """Whether it has no apostrophe and no double backslash, which may be signs of our own writer."""
    return "'" not in text and r"\\" not in text


EXCLUSIONS = st.lists(
    st.builds(
        Exclusion,
        st.from_regex(KEY, fullmatch=True),
        st.text(TEXT, min_size=1, max_size=LONGEST_REASON).filter(str.strip).filter(plain),
        st.text(TEXT | st.sampled_from('\n\t",;='), max_size=200).filter(plain),
    ),
    unique_by=lambda one: one.key,
    max_size=5,
)


@example([Exclusion("-0SdAVK79lg_30000", r"\r", r"C:\new it's \x1b")], "\n", False)
@given(EXCLUSIONS, st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_what_anybody_writes_is_read(listed: list[Exclusion], end: str, mark: bool) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerows([HEADER, *((one.key, one.reason, one.note) for one in listed)])
    raw = text.getvalue().encode("utf-8-sig" if mark else "utf-8")
    assert parse_exclusions(raw, "list.csv") == tuple(listed)


@given(st.integers(0, len(LIST)), st.binary(max_size=8), st.integers(0, 40))
def test_whatever_the_damage_it_is_refused_with_a_line_or_is_a_list(at: int, put: bytes, cut: int) -> None:
    raw = LIST.encode()
    damaged = raw[:at] + put + raw[at + cut :]
    try:
        listed = parse_exclusions(damaged, "list.csv")
    except DataMismatch as error:
        assert re.match(r"list\.csv, line [1-9]\d*: ", error.what) and "\n" not in error.what
    else:
        assert all(KEY.fullmatch(one.key) and one.reason.strip() for one in listed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the columns are not key,reason,note but ''"),
        ("key;reason;note\n", "line 1: the columns are not key,reason,note but 'key;reason;note'"),
        (
            LIST + "#NAME?,mislabelled,\n",
            "line 4: no clip's key, such as -0SdAVK79lg_30000",
        ),
        (LIST + "../../../etc/x_0,mislabelled,\n", "line 4: no clip's key"),
        (LIST + "-0SdAVK79l,mislabelled,\n", "line 4: no clip's key"),
        (LIST + "-0SdAVK79lg_3,mislabelled\n", "line 4: 2 fields instead of 3"),
        (LIST + "-0SdAVK79lg_3,mislabelled,a, b\n", "line 4: 4 fields instead of 3"),
        (LIST + "-0SdAVK79lg_3, ,a\n", "line 4: the reason is missing"),
        (
            LIST + "\n\n-0SdAVK79lg_30000,other,\n",
            "line 6: the clip -0SdAVK79lg_30000 stands in",
        ),
        (LIST + f"-0SdAVK79lg_3,{'x' * (LONGEST_REASON + 1)},\n", "line 4: a text of 81 characters"),
        (LIST + f"-0SdAVK79lg_3,x,{'x' * (LONGEST_NOTE + 1)}\n", "line 4: a text of 2,001 characters"),
        (LIST + "-0SdAVK79lg_3,red\x1b[31m,\n", r"line 4: a control character: '\x1b'"),
        (LIST + '-0SdAVK79lg_3,"two\nlines",\n', r"line 4: a control character: '\n'"),
        (LIST + '-0SdAVK79lg_3,a,"two\nlines"\n-,b,c\n', "line 6: no clip's key"),
        (LIST + '-0SdAVK79lg_3,other,"cut off', "line 4: this is no row of a CSV: unexpected end of data"),
        (LIST + f"-0SdAVK79lg_3,other,{'x' * 200_000}\n", "line 4: this is no row of a CSV: field larger"),
    ],
)
def test_damage_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(DataMismatch) as refused:
        parse_exclusions(text.encode(), "list.csv")
    assert refused.value.what.startswith(f"list.csv, {said}")


def test_ids_are_taken_in_any_form_and_kept_in_one() -> None:
    forms = ["https://youtu.be/-0SdAVK79lg?t=30", "Y__p-iA312kg_70000.wav", "clips/Flute/Y_bcdefghijA_0.wav"]
    rows = "".join(f"{form},mislabelled,\n" for form in forms)
    listed = parse_exclusions(f"key,reason,note\n{rows}".encode(), "list.csv")
    assert [one.key for one in listed] == ["-0SdAVK79lg", "__p-iA312kg_70000", "_bcdefghijA_0"]
    with pytest.raises(DataMismatch, match="line 5: the clip -0SdAVK79lg stands in the list already"):
        parse_exclusions(f"key,reason,note\n{rows}-0SdAVK79lg,other,\n".encode(), "list.csv")


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(DataMismatch, match=r"list.csv, line 3: this is no UTF-8 text"):
        parse_exclusions(LIST.encode().replace(b"__p-i", b"\xff\xfe"), "list.csv")
    with pytest.raises(DataMismatch, match="line 1: this is no UTF-8 text"):
        parse_exclusions(LIST.encode("utf-16"), "list.csv")


def test_reason_and_note_are_one_detail() -> None:
    listed = parse_exclusions(LIST.encode(), "list.csv")
    assert [one.detail for one in listed] == ["mislabelled: a xylophone", "other sounds"]
