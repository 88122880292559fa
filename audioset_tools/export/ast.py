"""AST's layout: a JSON a split, `class_labels_indices.csv`, and the clips in `audio/`.

Source: https://github.com/YuanGongND/ast, `src/dataloader.py`: it opens `wav` as it stands, splits `labels`
at commas, and looks each up among the `mid`s of the table, whose `index` is the target.
"""

from collections.abc import Iterator

from .examples import Exported
from .folder import AUDIO
from .part import ExportPlan, json_part, text_part

_RATE = 16_000
"""Hertz of what AST's weights were trained on; its mel bands end at half of a file's own rate."""


def plan(data: Exported) -> ExportPlan:
    """The lists and the table; the clips are linked."""
    mids = data.target_mids or tuple(f"/x/{number}" for number in range(len(data.target_names)))
    parts = [text_part("class_labels_indices.csv", _table(mids, data.target_names))]
    for split, examples in data.splits.items():
        rows = [
            {
                "wav": data.file(f"{AUDIO}/{one.name}.wav"),
                "labels": ",".join(mids[number] for number in one.targets),
                "key": one.key,
            }
            for one in examples
        ]
        parts.append(json_part(f"{split}.json", {"data": rows}))
    return ExportPlan(parts, list(_notes(data)))


def _table(mids: tuple[str, ...], names: tuple[str, ...]) -> str:
    """As AudioSet's own, in which names alone are quoted."""
    quoted = (name.replace('"', '""') for name in names)
    lines = [f'{number},{mid},"{name}"' for number, (mid, name) in enumerate(zip(mids, quoted, strict=True))]
    return "\n".join(["index,mid,display_name", *lines, ""])


def _notes(data: Exported) -> Iterator[str]:
    if data.sample_rate != _RATE:
        yield (
            f"the clips are at {data.sample_rate:,} Hz, and AST's weights of {_RATE:,}: its mel bands reach"
            " up to half of a file's rate, and would mean other frequencies"
        )
