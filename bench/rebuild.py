"""A data set frozen, made again elsewhere by another ffmpeg from its manifest alone, and compared.

    python bench/rebuild.py [--per-class 25] [--without-av]

A simulated YouTube of which some videos are dead; the first workspace is fetched with the ffmpeg on the
PATH, the second with the one of imageio-ffmpeg. Where PyAV is installed these have little to do.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from audioset_tools import Workspace, featurize, fetch, freeze, verify
from audioset_tools.audio.binary import CHOICE, ffmpeg_build
from audioset_tools.manifest.compare import comparison_tables
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists

CLASSES = ("Piano", "Drums", "Flute", "Other")


def fetched(workspace: Workspace, what: Mapping[str, Any], choice: str, without_av: bool) -> None:
    """Fetch and featurize, in a process of its own: which ffmpeg it uses is settled once."""
    os.environ[CHOICE] = choice
    if without_av:
        # As where the extra `av` is not installed.
        sys.modules["av"] = None  # type: ignore[assignment]
    print(f"{workspace.root.name}: ffmpeg {ffmpeg_build().version}", flush=True)
    fetch(workspace, **what)
    featurize(workspace, noise_copies=0)


def main(per_class: int, without_av: bool, root: Path) -> None:
    table = write_lists(root / "lists", dict.fromkeys(CLASSES, 2 * per_class), seed=3)
    plan = Plan(seed=5, table=table, shares={"removed": 0.15, "private": 0.05, "silent": 0.05})
    there, here, manifest = Workspace(root / "there"), Workspace(root / "here"), root / "set.json"
    with Simulator(plan) as youtube:
        simulated = {"proxy": youtube.proxy, "check_certificate": False, "pace": "unlimited"}
        for workspace, what, choice in (
            (there, {"per_class": per_class, "metadata": root / "lists"}, ""),
            (here, {"segment_list": manifest}, "imageio"),
        ):
            words = (workspace, {**what, **simulated}, choice, without_av)
            child = get_context("spawn").Process(target=fetched, args=words)
            child.start()
            child.join()
            if workspace is there:
                began = time.monotonic()
                frozen = freeze(there, manifest)
                took, size = time.monotonic() - began, manifest.stat().st_size
                n, left = len(frozen.clips), len(frozen.left_out)
                print(f"frozen in {took:.2f} s: {n} clips, {left} left out, {size:,} bytes", flush=True)
    placed = [{one.key: one.split for one in read_dataset(one.dataset)} for one in (there, here)]
    print("splits:", "the same" if placed[0] == placed[1] else "others")
    began = time.monotonic()
    found = verify(here, against=manifest).against
    assert found is not None
    print(f"compared in {time.monotonic() - began:.2f} s, alike: {found.alike}")
    for table_of_it in comparison_tables(found):
        for row in table_of_it.rows:
            print("  " + "  ".join(row))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--per-class", type=int, default=25)
    parser.add_argument("--without-av", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(asked.per_class, asked.without_av, Path(folder))
