"""What holds for every table on every screen."""

from collections import Counter

from audioset_tools.types import Table
from audioset_tools.words import draw_table, text_width

WIDTHS = (60, 80, 110)
"""Of screens, in columns of text."""


def require_fit(table: Table) -> None:
    """See that no line is longer than any screen, but for a word alone, and no word broken or lost."""
    for width in WIDTHS:
        lines = [line.text for line in draw_table(table, width)]
        assert [line for line in lines if text_width(line) > width and len(line.split()) > 1] == []
        if table.narrow is None:
            optional = {number for group in table.optional for number in group}
            cells = (cell for row in table.rows for n, cell in enumerate(row) if n not in optional)
            wanted = Counter(word for text in (table.title, *cells) for word in text.split())
            assert wanted - Counter(word for line in lines for word in line.split()) == Counter()
