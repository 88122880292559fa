"""The main job from end to end against the simulator, as the commands that a user would type."""

import shlex
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from . import console
from .audio.binary import find_ffmpeg
from .catalog.official import find_metadata, find_ontology
from .catalog.ontology import ontology_of, read_ontology
from .catalog.recipe import SHIPPED, Recipe, read_recipe
from .catalog.resolve import resolve
from .clock import steady
from .exceptions import UsageError
from .files import write_beside
from .installing import missing
from .simulator import Plan, Refusal, Simulator, read_table
from .simulator.lists import ontology as nodes
from .simulator.lists import write_lists
from .words import duration

DEAD = {"removed": 0.10, "private": 0.06, "terminated": 0.05, "geo-blocked": 0.04}
PASSING = {"media-503": 0.02, "reset": 0.02, "truncate": 0.02}
NEEDED = ("jinja2", "matplotlib", "safetensors", "sklearn", "threadpoolctl", "torch", "trustme")
"""Packages of the extra `demo`, without which one of its steps would fail."""
STEPS = 5
"""Commands of the demo."""

MARKER = "this folder was made by audioset-tools demo"


def run_demo(
    workspace: Path, recipe: str, per_class: int, metadata: Path | None, run: Callable[[list[str]], int]
) -> int:
    """Run select, fetch, featurize, train and report; returns the first exit code that is not 0.

    Args:
        workspace: a folder of the demo's own; what an earlier demo left there is removed.
        recipe: what the classes are.
        per_class: clips of each class.
        metadata: the genuine lists; None for a small list that the demo makes.
        run: runs one command line and returns its exit code.

    Raises:
        UsageError: the folder exists and no demo made it, or there is no such recipe, or no such list.
        DataMismatch: the ontology is not AudioSet's.
        EnvironmentProblem: a package or ffmpeg is missing; then nothing is removed.
    """
    found = read_recipe(recipe)
    if found.standard:
        raise UsageError(f"the demo has no clips for {recipe}", f"Choose one of {', '.join(SHIPPED)}.")
    if metadata is None:
        ontology = ontology_of(nodes())
    else:
        ontology = read_ontology(find_ontology(find_metadata(metadata, metadata)), genuine=True)
    classes = label_sets(resolve(found, ontology))
    _require()
    _clear(workspace)
    lists = metadata or workspace / "lists"
    if metadata is None:
        write_lists(lists, dict.fromkeys(classes, 3 * per_class), classes=classes)
    where = ["--workspace", str(workspace / "data")]
    candidates = workspace / "candidates.csv"
    what = ["--recipe", recipe, "--per-class", str(per_class), "--metadata", str(lists)]
    began, step = steady(), _numbered(run)
    if code := step(["select", *what, "--out", str(candidates)]):
        return code
    plan = Plan(
        seed=1,
        shares={**DEAD, **PASSING},
        table=read_table(candidates),
        refusals=(Refusal(at=2 * per_class, seconds=4.0, retry_after=5),),
    )
    with Simulator(plan) as youtube:
        console.say(
            f"A small YouTube runs on {youtube.proxy}: a quarter of its videos are dead, some stumble,\n"
            "and for a while it answers HTTP 429. The real one is never contacted."
        )
        fetch = ["fetch", *what, *where, "--proxy", youtube.proxy, "--no-check-certificate"]
        fetch += ["--pace", "20000/h", "--retry-wait", "2"]
        for words in (fetch, ["featurize", *where], ["train", *where], ["report", *where]):
            if code := step(words):
                return code
    console.say(_what_next(shlex.join(where), steady() - began))
    return 0


def label_sets(recipe: Recipe) -> dict[str, list[tuple[str, ...]]]:
    """Of every class sets of labels that make a clip one of it; multi-label, one of the next class too.

    The recipe is a resolved one.
    """
    sets: dict[str, list[tuple[str, ...]]] = {rule.name: [] for rule in recipe.classes}
    labelled = [rule for rule in recipe.classes if rule.include]
    for rule, following in zip(labelled, [*labelled[1:], labelled[0]], strict=True):
        first, *others = sorted(rule.include)
        besides = [*rule.transparent, *(following.include if recipe.multi_label else ())]
        sets[rule.name] = [(first,), *((mid,) for mid in others), *((first, mid) for mid in sorted(besides))]
    return sets


def _numbered(run: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
    """Runs command lines as `run` does, and says which one it is and how long it took."""
    numbers = count(1)

    def step(words: list[str]) -> int:
        which, began = f"{next(numbers)} of {STEPS}", steady()
        console.step(f"\n{which}: $ audioset-tools {shlex.join(words)}")
        if code := run(words):
            return code
        console.say(f"{which} took {duration(steady() - began)}")
        return 0

    return step


def _what_next(where: str, seconds: float) -> str:
    """What to type next, with what the demo made and then with the real thing."""
    installed = Path(sys.executable).parent / "audioset-tools"
    program = "audioset-tools" if shutil.which("audioset-tools") else shlex.quote(str(installed))
    return f"""
The demo took {duration(seconds)}. The line above names its page: open it in a browser.

With what it made, type next:
  {program} status {where}
  {program} evaluate {where}
  {program} predict YOUR-RECORDING {where}

With the real YouTube, which the first two of these ask nothing:
  {program} doctor
  {program} fetch --per-class 100 --dry-run
  {program} fetch --per-class 100"""


def _require() -> None:
    """See that all is there that one of the steps needs, before an earlier demo is removed."""
    for package in NEEDED:
        if find_spec(package) is None:
            raise missing(package, "demo")
    find_ffmpeg()


def _clear(workspace: Path) -> None:
    """Remove what an earlier demo left; never anything else."""
    marker = workspace / "made-by-demo"
    if workspace.exists() and any(workspace.iterdir()):
        if not marker.exists():
            raise UsageError(
                f"{workspace} exists and was not made by a demo", "Choose another --workspace, or remove it."
            )
        shutil.rmtree(workspace)
    with write_beside(marker) as temporary:
        temporary.write_text(MARKER + "\n")
