"""The README as the index of packages shows it, which has none of the files that it links to.

A link into this checkout leads to the docs site, if `[project.urls]` of pyproject.toml names one as
`Documentation`; until then only its words are left. hatchling runs this (pyproject.toml: `hooks.custom`),
and scripts/make_site.py takes from here which page shows which file.
"""

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"\[([^\]\[]+)\]\(([^)\s#:]*)(#[^)\s]*)?\)")
"""A link within the checkout: its words, the file, and the place in that."""

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "LICENSE": "licence.md",
    "audioset_tools/exceptions.py": "reference.md",
}
"""Which page of the site shows a file that does not lie in docs/."""


def page_of(file: str, folder: str) -> str | None:
    """The page of the site that shows a file, or None.

    Args:
        file: as a link names it.
        folder: from which the link goes, seen from the root: `docs`.
    """
    path = posixpath.normpath(posixpath.join(folder, file))
    if path.startswith("docs/"):
        return posixpath.splitext(path.removeprefix("docs/"))[0] + ".md"
    return PAGES.get(path)


def relinked(text: str, address_of: Callable[[str], str | None]) -> str:
    """A text whose links into the checkout lead elsewhere; where to nowhere, their words alone are left.

    Args:
        address_of: from the file that a link names to an address.
    """

    def replaced(link: re.Match[str]) -> str:
        words, file, place = link[1], link[2], link[3] or ""
        if not file:
            return link[0]
        address = address_of(file)
        return f"[{words}]({address}{place})" if address else words

    return LINK.sub(replaced, text)


class Readme(MetadataHookInterface):
    """The field `readme`, made when the package is built."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set it."""
        site = metadata.get("urls", {}).get("Documentation", "").rstrip("/")

        def address_of(file: str) -> str | None:
            page = page_of(file, "")
            return f"{site}/{page.removesuffix('.md')}.html" if site and page else None

        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": relinked(text, address_of)}
