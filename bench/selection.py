"""The whole selection over AudioSet's lists, our way and the obvious pandas way.

    python bench/selection.py [METADATA_FOLDER] [--repeats N]

Every measurement is a fresh process: seconds from after the imports to the ranked queues of all four classes,
and the peak of the process's memory. Both ways must arrive at the same counts, or the comparison is void.
Needs the three genuine lists and ontology.json in the folder (default: ../shared/audioset).
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
METADATA = HERE.parents[2] / "shared" / "audioset"

Counts = dict[str, dict[str, Any]]


def ours(folder: Path) -> Callable[[], Counts]:
    """Read, check, judge and rank with this package."""
    from audioset_tools.catalog.recipe import read_recipe
    from audioset_tools.catalog.select import read_selection

    def run() -> Counts:
        selection = read_selection(folder, read_recipe("paper"))
        return {
            funnel.class_name: {
                "kept": len(queue),
                "subsets": list(funnel.subsets.values()),
                "tiers": list(funnel.tiers),
            }
            for queue, funnel in zip(selection.queues, selection.funnels, strict=True)
        }

    return run


def pandas(folder: Path) -> Callable[[], Counts]:
    """The same result as a researcher at home in pandas would get it: read_csv, split, apply.

    It does less than ours: it checks nothing of what it reads.
    """
    import pandas as pd

    from audioset_tools.catalog.recipe import read_recipe

    def run() -> Counts:
        recipe = read_recipe("paper")
        nodes = json.loads((folder / "ontology.json").read_text())
        children = {node["id"]: node["child_ids"] for node in nodes}

        def below(mid: str) -> set[str]:
            found = set(children[mid])
            return found.union(*(below(child) for child in children[mid]))

        descendants = {mid: below(mid) for mid in children}

        def subtree(mids: frozenset[str]) -> set[str]:
            return set(mids).union(*(descendants[mid] for mid in mids))

        instruments = descendants[recipe.instrument_root]
        music, speech, vocal = subtree(recipe.music), subtree(recipe.speech), subtree(recipe.vocal)
        ambiguous = set().union(*(rule.transparent for rule in recipe.classes))
        included = set().union(*(rule.include for rule in recipe.classes))

        subsets = ("balanced_train", "eval", "unbalanced_train")
        frames = [
            pd.read_csv(
                folder / f"{subset}_segments.csv",
                skiprows=3,
                header=None,
                names=["ytid", "start", "end", "labels"],
                skipinitialspace=True,
            ).assign(subset=subset)
            for subset in subsets
        ]
        clips = pd.concat(frames, ignore_index=True)
        clips = clips[(clips["end"] - clips["start"]).round(3) >= recipe.least_ms / 1000]
        clips["labels"] = clips["labels"].str.split(",").apply(set)

        counts = {}
        for rule in recipe.classes:
            if rule.include:
                foreign = (instruments | included | recipe.rejected) - rule.include
                foreign -= rule.transparent | recipe.transparent
                chosen = clips[
                    clips["labels"].apply(lambda mids: bool(mids & rule.include) and not mids & foreign)  # noqa: B023
                ]

                def tier(mids: set[str], pure: set[str] = music | rule.include) -> int:
                    if mids & vocal:
                        return 0
                    if mids & speech:
                        return 1
                    return 3 if mids <= pure else 2

                tiers = chosen["labels"].apply(tier)
                nested = [int((tiers >= least).sum()) for least in range(4)]
            else:

                def other(mids: set[str]) -> bool:
                    if mids & included or mids & recipe.rejected:
                        return False
                    named = mids & instruments
                    specific = {mid for mid in named if not descendants[mid] & named}
                    return len(specific) <= 1 and not specific & ambiguous

                chosen = clips[clips["labels"].apply(other)]
                tiers, nested = pd.Series(0, index=chosen.index), []
            queue = chosen.assign(tier=tiers).sample(frac=1, random_state=recipe.seed)
            queue = queue.sort_values("tier", ascending=False, kind="stable").reset_index(drop=True)
            by_subset = queue["subset"].value_counts()
            counts[rule.name] = {
                "kept": len(queue),
                "subsets": [int(by_subset[subset]) for subset in subsets],
                "tiers": nested,
            }
        return counts

    return run


WAYS = {"ours": ours, "pandas": pandas}


def measure(way: str, folder: Path) -> None:
    """In a process of its own: run one way once and print what it took."""
    run = WAYS[way](folder)
    start = time.perf_counter()
    counts = run()
    seconds = time.perf_counter() - start
    # Linux gives kilobytes, macOS bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "peak_mb": peak / 1e6, "counts": counts}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metadata", type=Path, nargs="?", default=METADATA)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.metadata)
        return
    results: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    # Turn about, so that a busy minute of the machine falls on both.
    for _ in range(arguments.repeats):
        for way in WAYS:
            command = [sys.executable, str(HERE), str(arguments.metadata), "--measure", way]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            results[way].append(json.loads(done.stdout))
    if any(run["counts"] != results["ours"][0]["counts"] for runs in results.values() for run in runs):
        sys.exit("the two ways disagree on the counts: the comparison is void")
    seconds = {way: statistics.median(run["seconds"] for run in runs) for way, runs in results.items()}
    peak = {way: statistics.median(run["peak_mb"] for run in runs) for way, runs in results.items()}
    print(f"medians of {arguments.repeats}; both ways give the same counts")
    print(f"{'':8}{'seconds':>10}{'peak MB':>10}{'times slower':>14}")
    for way in WAYS:
        print(f"{way:8}{seconds[way]:10.2f}{peak[way]:10.0f}{seconds[way] / seconds['ours']:14.1f}")


if __name__ == "__main__":
    main()
