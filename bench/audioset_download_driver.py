"""Runs the PyPI package audioset-download over lists on disk; `bench/fetch.py` calls it.

    python -P audioset_download_driver.py LISTS OUT JOBS DEADLINE

The package is unchanged but for two things: it reads Google's lists from the folder LISTS, and begins no clip
after DEADLINE (seconds since the epoch).
"""

import sys
import time
from pathlib import Path
from typing import Any

import pandas
from audioset_download import Downloader

LISTS, OUT, JOBS, DEADLINE = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
SUBSETS = ("unbalanced_train", "balanced_train", "eval")

read_csv = pandas.read_csv


def read_here(address: str, *arguments: Any, **options: Any) -> Any:
    """`pandas.read_csv` of the file of that name in LISTS."""
    return read_csv(LISTS / address.rpartition("/")[2], *arguments, **options)


class Timed(Downloader):
    """The package's own, which stops beginning clips when the time is up."""

    deadline = DEADLINE

    def download_file(self, *row: Any) -> None:
        """One clip, as the package does it."""
        if time.time() < self.deadline:
            super().download_file(*row)


if __name__ == "__main__":
    pandas.read_csv = read_here
    for subset in SUBSETS:
        Timed(OUT, n_jobs=JOBS, download_type=subset, copy_and_replicate=False).download(format="wav")
