"""Which data set of the Hub is meant: `hf:OWNER/NAME`, and perhaps a revision of it."""

import re
from dataclasses import dataclass

from ...exceptions import UsageError
from ...workspace import printable

PREFIX = "hf:"

COMMIT = re.compile(r"[0-9a-f]{40}")
"""A revision that never changes."""

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REVISION = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}"
_ADDRESS = re.compile(rf"{PREFIX}(?P<repo>{_PART}/{_PART})(?:@(?P<revision>{_REVISION}))?")


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A data set, `OWNER/NAME`, and the branch, tag or commit that was asked for; None if none was."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}" + (f"@{self.revision}" if self.revision else "")

    @property
    def page(self) -> str:
        """Where people read about it."""
        return f"https://huggingface.co/datasets/{self.repo}"


def parse_address(text: str) -> HubAddress:
    """Read `hf:OWNER/NAME[@REVISION]`.

    Raises:
        UsageError: it is none.
    """
    match = _ADDRESS.fullmatch(text[:600])
    if match is None or ".." in text or "--" in match["repo"]:
        raise UsageError(
            f"{printable(text[:100])} names no data set of the Hugging Face Hub",
            "Write hf:OWNER/NAME, such as hf:confit/audioset-full, and @REVISION behind it if need be.",
        )
    return HubAddress(match["repo"], match["revision"])
