"""What a published folder says of itself: a card of the data set, one of each model, and how to cite it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from .. import __version__
from ..export.documents import words
from ..export.documents.card import made_and_meant
from ..export.documents.markdown import counts, escaped, paragraphs, table
from ..export.examples import Exported
from ..manifest.licences import CITATIONS, MAKE_AGAIN
from ..runs.about import About
from ..workspace import printable

_FILES = (
    (
        "manifest.json",
        "every clip with its labels, split, digest and fingerprint, and who was left out and why",
    ),
    ("dataset.csv", "the clips and their splits as a table"),
    ("croissant.json", "the same for programs"),
    ("runs/", "each run: settings, history, weights, predictions and figures, and a card of its model"),
    ("tables.py", "makes the tables of the runs again from their predictions: `python tables.py`"),
    ("CITATION.cff", "how to cite it"),
)


def data_card(data: Exported, title: str, with_audio: bool) -> str:
    """`README.md` of the folder."""
    return "\n".join(_data_card(data, title, with_audio)) + "\n"


def _data_card(data: Exported, title: str, with_audio: bool) -> Iterator[str]:
    sound = ("audio/", "the clips; a name is that of its key's sha256, see `audio.csv`")
    yield f"# {escaped(title)}\n\n{escaped(words.summary(data))}\n"
    yield from table(
        ("file", "is"), (*_FILES, *([sound, ("audio.csv", "which clip is which file")] * with_audio))
    )
    yield "\n## Classes\n"
    yield from table(("label", "name", *data.splits), counts(data))
    yield "\n## Make it again\n"
    yield (f"With audioset-tools {__version__}\n\n```\n{MAKE_AGAIN}\n```\n")
    yield (
        "fetches the same segments, as far as their videos are still alive, and says of each clip whether it"
        " is the same to the bit, sounds the same, or differs.\n"
    )
    yield from made_and_meant(data)
    if with_audio:
        yield "\nThe clips are here for who may use them by law; whoever hands them on answers for that.\n"
    cited = "\n\n".join(CITATIONS)
    yield f"\n## What to cite besides\n\n```bibtex\n{cited}\n```"


def model_card(name: str, about: About, metrics: dict[str, Any]) -> str:
    """`README.md` of a run."""
    return "\n".join(_model_card(name, about, metrics)) + "\n"


def _model_card(name: str, about: About, metrics: dict[str, Any]) -> Iterator[str]:
    model = str(about.config.get("model"))
    test = metrics["test"]
    several = "any number of" if about.multi_label else "one of"
    yield f"# {escaped(name)}\n"
    yield (
        f"`{printable(model)}` of audioset-tools: hears {several} {len(about.class_names):,} classes in ten"
        f" seconds of sound. {metrics['parameters']:,} numbers were learned; its weights are safetensors,"
        " never a pickle.\n"
    )
    yield f"```\naudioset-tools predict RECORDING --run runs/{name}\n```\n"
    yield "## What it is for\n"
    yield from paragraphs(
        "Research: to compare with, to repeat the figures below, to tell the classes of its data set apart in"
        f" recordings like those of AudioSet, mono at {about.spec.sample_rate:,} Hz.",
        "It is not for decisions about people, nor where a wrong answer does harm: it was judged on the test"
        " split of one data set, and on nothing else that this card speaks of.",
    )
    yield f"## On {test['clips']:,} test clips\n"
    rows = [
        (printable(one), *(_percent(figures[key]) for key in ("precision", "recall", "f1")))
        for one, figures in test["classes"].items()
    ]
    means = [
        (name, *(_percent(test[word][key]) for key in ("precision", "recall", "f1")))
        for name, word in (("Total (macro)", "macro"), ("Micro", "micro"))
    ]
    yield from table(("class", "precision (%)", "recall (%)", "F1 (%)"), [*rows, *means])
    yield (
        "\nTotal is the mean of the classes, as in the paper's Table 2; Micro is of all decisions together."
        " `tables.txt` has them with their intervals.\n"
    )
    yield "## What it learned from\n"
    yield (
        f"The train split of this data set, chosen by the recipe {escaped(printable(about.recipe))}, as mels"
        f" of {about.shape[0]} bands and {about.shape[1]} frames.\n"
    )
    settings = {key: value for key, value in about.config.items() if value not in (None, [], False)}
    yield from table(("setting", "value"), [(key, json.dumps(value)) for key, value in settings.items()])
    yield ""
    yield from table(("made with", "version"), sorted(about.versions.items()))
    yield "\n## What to mind\n"
    yield from paragraphs(
        "It knows what it heard in training: other microphones, rooms and instruments may sound unlike them.",
        "It names a class for sounds that are of none; a confidence speaks of sounds like those of its test.",
    )
    yield from paragraphs(
        "The recordings that it learned from belong to those who uploaded them, and cannot be taken out of it"
        " again. The MIT licence is that of the program; it grants nothing for what was learned from others.",
    )
    for one in metrics.get("warnings", ()):
        yield f"Of its training: {escaped(printable(str(one['what'])))}\n"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def citation(title: str, authors: Sequence[str]) -> str:
    """`CITATION.cff`, version 1.2.0: YAML, in which a text in JSON's quotes is one."""
    named = "\n".join(f"  - name: {json.dumps(printable(author))}" for author in authors)
    return f"""cff-version: 1.2.0
message: "If you use this data set, please cite it, AudioSet, and the paper whose recipe and network it has."
type: dataset
title: {json.dumps(printable(title))}
authors:
{named}
references:
  - type: conference-paper
    title: "Audio Set: An ontology and human-labeled dataset for audio events"
    authors:
      - family-names: Gemmeke
        given-names: Jort F.
      - family-names: Ellis
        given-names: Daniel P. W.
      - family-names: Freedman
        given-names: Dylan
      - family-names: Jansen
        given-names: Aren
      - family-names: Lawrence
        given-names: Wade
      - family-names: Moore
        given-names: R. Channing
      - family-names: Plakal
        given-names: Manoj
      - family-names: Ritter
        given-names: Marvin
    collection-title: "IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)"
    year: 2017
    doi: 10.1109/ICASSP.2017.7952261
  - type: report
    title: "Music and Instrument Classification using Deep Learning Technics"
    authors:
      - family-names: Haidar-Ahmad
        given-names: Lara
    institution:
      name: Stanford University
    year: 2019
  - type: software
    title: audioset-tools
    authors:
      - name: audioset-tools maintainers
    version: {__version__}
"""
