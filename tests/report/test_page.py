"""What a page is made of: each kind of block is shown in its own way."""

from pathlib import Path

from audioset_tools.pages import write_page
from audioset_tools.report.media import ClipMedia
from audioset_tools.report.page import (
    Block,
    Card,
    Cards,
    Cell,
    Chart,
    Figure,
    Figures,
    Heading,
    Matrix,
    Missing,
    Section,
    Share,
    Shares,
    Shown,
    Verbatim,
    Words,
)
from audioset_tools.types import Table
from tests.report.pages import Read


def shown(tmp_path: Path, *blocks: Block) -> Read:
    target = tmp_path / "page.html"
    section = Section("one", "One", blocks)
    write_page(target, "cell.html", title="A page", section=section, axes="", up="")
    return Read(target)


def test_every_kind_of_block_is_shown(tmp_path: Path) -> None:
    table = Table("Two columns", ("what", "n"), (("<b>", "1,234"),))
    page = shown(
        tmp_path,
        Words("some <words>", warn=True), Heading("a head", "head"), Missing("not there", "make it"),
        Chart("<svg><title>drawn</title></svg>"), Shown(table, folded=True), Verbatim("@misc{x}"),
        Matrix("Confusion", ("A", "B"), ((Cell(3, 1, "cells/a.html"), Cell(0, 0, "")),) * 2),
        Figures((Figure("hours", "26.7", "of sound"),)), Shares("Filled", (Share("A", 3, 4, "3 of 4"),)),
    )  # fmt: skip
    for words in (
        "some <words>",
        "a head",
        "make it",
        "drawn",
        "1,234",
        "@misc{x}",
        "26.7",
        "of sound",
        "3 of 4",
    ):
        assert words in page.text
    assert page.values("td", "class") == ["number"] and "cells/a.html" in page.values("a", "href")
    assert page.values("meter", "max") == ["4"] and page.values("meter", "value") == ["3"]


def test_a_card_leads_to_the_video_at_the_second(tmp_path: Path) -> None:
    key = "-abcdefghiA_30500"
    page = shown(tmp_path, Cards([Card(ClipMedia(key, "", "", "gone"), ("about",))]))
    assert "https://www.youtube.com/watch?v=-abcdefghiA&t=30s" in page.values("a", "href")
    hostile = Card(ClipMedia('"><script>', "", "", "no such clip"), ())
    assert hostile.address == "" and shown(tmp_path, Cards([hostile])).values("a", "href") == [
        "#main",
        "index.html#runs",
    ]
