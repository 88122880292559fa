"""What holds for every table on every screen, and all tables of all commands on screens of three widths.

python -m tests.screens > screens.txt
"""

from collections import Counter

from audioset_tools.types import Table
from audioset_tools.words import draw_table, text_width

WIDTHS = (60, 80, 110)
"""Of screens, in columns of text."""


def require_fit(table: Table, width: int) -> None:
    """See that no line is longer than the screen, but for a word alone, and no word broken or lost."""
    lines = [line.text for line in draw_table(table, width)]
    assert [line for line in lines if text_width(line) > width and len(line.split()) > 1] == []
    said = Counter(word for line in lines for word in line.split())
    cells = [table.title, *(row[n] for row in table.rows for n in range(len(row)) if not _may_go(table, n))]
    wanted = Counter(word for cell in cells for word in cell.split())
    if table.narrow is None:
        assert wanted - said == Counter()


def _may_go(table: Table, column: int) -> bool:
    return any(column in group for group in table.optional)
