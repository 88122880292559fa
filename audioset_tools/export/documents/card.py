"""The data card of a data set on the Hugging Face Hub: `README.md`, with a head in YAML that programs read.

Source: https://huggingface.co/docs/hub/datasets-cards.
"""

import json
from collections.abc import Iterator

from ...manifest.licences import CC_BY, CITATIONS, LICENCES
from ..examples import Exported
from . import words
from .markdown import counts, digests, escaped, paragraphs, table

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGEST = "1M<n<10M"

_COLUMNS = (
    ("audio", "the clip: `bytes` of its WAV file, and `path`, a name for it"),
    ("label", "which of the targets below: their numbers, where a clip may have several"),
    ("key", "names the video, and where in it the clip starts, in milliseconds"),
    ("video_id", "the video"),
    ("start, end", "of the segment in its video, in seconds"),
    ("labels", "all that the lists say of it; of AudioSet's, as `mid`s of its ontology"),
    ("human_labels", "the same in words"),
    ("sha256", "of the WAV file"),
)

_READ = """from datasets import Audio, load_dataset

dataset = load_dataset("FOLDER").cast_column("audio", Audio(decode=False))
clip = dataset["train"][0]
samples, rate = soundfile.read(io.BytesIO(clip["audio"]["bytes"]))"""


def card(data: Exported) -> str:
    """The whole file."""
    return "\n".join([*_head(data), *_body(data)]) + "\n"


def _head(data: Exported) -> Iterator[str]:
    """YAML: a text in JSON's quotes is one in YAML's."""
    count = len(data.examples)
    size = next((name for most, name in _SIZES if count < most), _LARGEST)
    yield "---"
    yield f"pretty_name: {json.dumps(words.title(data))}"
    # Of the lists alone: the identifier cc-by-4.0 would claim it of the audio too.
    if words.of_audioset(data):
        yield f"license: other\nlicense_name: audioset-lists-cc-by-4.0\nlicense_link: {CC_BY}"
    yield "task_categories:\n- audio-classification"
    yield "tags:\n- audio" + ("\n- audioset" if words.of_audioset(data) else "")
    yield f"size_categories:\n- {size}"
    yield "configs:\n- config_name: default\n  data_files:"
    for split in data.splits:
        yield f"  - split: {split}\n    path: data/{split}-*"
    yield "---"


def _body(data: Exported) -> Iterator[str]:
    yield f"\n# {escaped(words.title(data))}\n\n{escaped(words.summary(data))}\n"
    yield f"```python\n{_READ}\n```\n"
    yield from table(("column", "is"), _COLUMNS)
    yield "\n## Targets\n"
    yield from table(("label", "name", *data.splits), counts(data))
    yield ""
    yield from made_and_meant(data)
    yield "\n## How to cite\n"
    cited = "\n\n".join(CITATIONS)
    yield f"```bibtex\n{cited}\n```"


def made_and_meant(data: Exported) -> Iterator[str]:
    """How a data set was made, what to mind, and under which licences: the same in every card."""
    yield "## How it was made\n"
    yield from paragraphs(words.collected(data), words.PROCESSED, words.MISSING, words.annotated(data))
    yield from table(("made of", "sha256"), digests(data))
    yield "\n## What to mind\n"
    yield from paragraphs(words.biased(data), words.LIMITED, words.USED_FOR, words.PERSONAL, words.MAINTAINED)
    yield "## Licences\n"
    yield from table(("what", "licence"), LICENCES)
