"""AudioSet's 527 labels: those that its lists use, in the order that models and their files count them by.

Source: `class_labels_indices.csv` (https://research.google.com/audioset/download.html, CC BY 4.0).
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..csvfile import NoCsv, csv_rows
from ..exceptions import DataMismatch
from ..files import read_file
from .official import GENUINE, find_metadata, official_files, unread

_HEADER = ["index", "mid", "display_name"]

_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Labels:
    """The labels in order: the `mid` and the display name of each."""

    mids: tuple[str, ...]
    names: tuple[str, ...]

    @cached_property
    def index(self) -> dict[str, int]:
        """The place of every `mid`."""
        return {mid: number for number, mid in enumerate(self.mids)}

    def name(self, mid: str) -> str:
        """The display name of `mid`, or `mid` itself where there is no such label."""
        return self.names[self.index[mid]] if mid in self.index else mid


def find_labels(given: Path | None, workspace_copy: Path) -> Labels:
    """The labels of the folder given, else of the workspace's, into which they are downloaded if missing.

    Raises:
        UsageError: the folder given lacks the file.
        DataMismatch: it is damaged.
        EnvironmentProblem: the download failed.
    """
    folder = find_metadata(given, workspace_copy, wanted=["labels"])
    return read_labels(folder / official_files()["labels"].file)


def read_labels(path: Path) -> Labels:
    """Read `class_labels_indices.csv`.

    Raises:
        DataMismatch: it is not of the official file's form.
        EnvironmentProblem: it cannot be read.
    """
    try:
        (_, header), *rows = csv_rows(read_file(path, _MOST_BYTES))
        if header != _HEADER:
            raise ValueError(f"its columns are not {','.join(_HEADER)}")
        mids: list[str] = []
        names: list[str] = []
        for line, row in rows:
            if len(row) != len(_HEADER) or row[0] != str(len(mids)) or not all(row):
                raise ValueError(f"line {line} is no label number {len(mids)}")
            mids.append(row[1])
            names.append(row[2])
        if len(set(mids)) != len(mids) or not mids:
            raise ValueError("a label stands there twice, or none at all")
    except OSError as error:
        raise unread(path, error) from error
    except (NoCsv, ValueError) as error:
        raise DataMismatch(f"{path} is not AudioSet's list of labels: {error}", GENUINE) from error
    return Labels(tuple(mids), tuple(names))
