"""What data cards are made of, in Markdown, which takes some of a stranger's signs for its own."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ...workspace import printable
from ..examples import Exported
from . import words


def digests(data: Exported) -> Iterator[tuple[str, str]]:
    """What a data set was made of, and its clips, by their sha256."""
    if data.origin is not None and not data.origin.of_list:
        yield f"the recipe {printable(data.name)}", data.origin.recipe_digest
        yield "AudioSet's lists and ontology", data.origin.lists_digest
    elif data.origin is not None:
        yield "what the list says", data.origin.lists_digest
    yield "the clips", words.clips_digest(data)


def counts(data: Exported) -> Iterator[tuple[str, ...]]:
    """The targets that some clip has, and how many clips of each split have it."""
    counts = Counter((target, one.split) for one in data.examples for target in one.targets)
    for number, name in enumerate(data.target_names):
        of_splits = [counts[number, split] for split in data.splits]
        if any(of_splits):
            yield (str(number), printable(name), *(f"{count:,}" for count in of_splits))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table, line by line."""
    for row in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(map(escaped, row))} |"


def escaped(text: str) -> str:
    """A text without what Markdown would take for a cell's end, a tag or a link."""
    for sign in ("\\", "|", "<", "[", "*", "_"):
        text = text.replace(sign, f"\\{sign}")
    return text


def paragraphs(*texts: str) -> Iterator[str]:
    """Texts, each by itself."""
    for text in texts:
        yield f"{escaped(text)}\n"
