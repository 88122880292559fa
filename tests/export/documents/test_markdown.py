"""A stranger's signs are no Markdown."""

from audioset_tools.export.documents.markdown import escaped, paragraphs, table


def test_a_cell_ends_where_it_should() -> None:
    assert list(table(("a", "b"), [("x|y", "[link](http://x)")])) == [
        "| a | b |",
        "| --- | --- |",
        "| x\\|y | \\[link](http://x) |",
    ]


def test_no_tag_and_no_emphasis() -> None:
    assert escaped("<b>*a*_b_\\") == "\\<b>\\*a\\*\\_b\\_\\\\"
    assert list(paragraphs("<i>", "b")) == ["\\<i>\n", "b\n"]
