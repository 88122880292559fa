"""A report's pages as a browser takes them apart."""

from html.parser import HTMLParser
from pathlib import Path

from audioset_tools.report.run import ReportConfig, write_report
from audioset_tools.workspace import Workspace


class Read(HTMLParser):
    """A page as a browser takes it apart: tags, attributes and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, name: str) -> list[str]:
        return [
            str(attributes[name]) for found, attributes in self.tags if found == tag and name in attributes
        ]


def read_report(workspace: Workspace, out: Path, **settings: int) -> Read:
    """Write a report and read its first page."""
    return Read(write_report(workspace, out, ReportConfig(**settings)).index)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
