"""The Hugging Face form: parquet with the clips in it, a data card, and Croissant metadata.

`datasets.load_dataset(FOLDER)` finds the splits by the names of the files, and the types of the columns in
what `datasets` keeps in a parquet file's schema. It is written by pyarrow alone, since `datasets` wants a
decoder even to store bytes.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..exceptions import DataMismatch
from ..files import open_file
from ..types import SAMPLE_RATE, clip_bytes
from .documents.card import card
from .documents.croissant import CROISSANT, croissant_of_parquet
from .examples import Example, Exported
from .part import ExportPart, ExportPlan, FileThere, about, digest_of, json_part, text_part, wav_bytes

CLIPS_A_FILE = 1_000
"""320 MB of clips at 16 kHz, 960 MB at 48 kHz."""

CLIPS_A_GROUP, BYTES_A_GROUP = 100, 100 * clip_bytes(SAMPLE_RATE)
"""The most clips and bytes of a row group. Whoever wants one row reads its group."""

_FORM = "hf 1"


def plan(data: Exported) -> ExportPlan:
    """A parquet file for every thousand clips of a split, `README.md` and `croissant.json`."""
    last = {split: number for split, number, _ in data.chunks(CLIPS_A_FILE)}
    schema = _schema(data)
    group = min(CLIPS_A_GROUP, BYTES_A_GROUP // clip_bytes(data.sample_rate))
    made_by = [_FORM, pa.__version__, group, schema.metadata[b"huggingface"].decode()]
    parts = [
        ExportPart(
            name=f"data/{split}-{number:05}-of-{last[split] + 1:05}.parquet",
            inputs=digest_of(*made_by, about(examples)),
            clips=len(examples),
            make=partial(_make, examples, schema, group),
            check=partial(_check, examples, schema),
        )
        for split, number, examples in data.chunks(CLIPS_A_FILE)
    ]
    return ExportPlan(
        [text_part("README.md", card(data)), *parts], closing={CROISSANT: partial(_croissant, data)}
    )


def _croissant(data: Exported, files: dict[str, FileThere]) -> ExportPart:
    return json_part(CROISSANT, croissant_of_parquet(data, files))


def _schema(data: Exported) -> pa.Schema:
    """The columns, with what `datasets` calls them."""
    label: dict[str, Any] = {"names": list(data.target_names), "_type": "ClassLabel"}
    text = {"dtype": "string", "_type": "Value"}
    number = {"dtype": "float64", "_type": "Value"}
    # `Sequence` is what `datasets` before version 4 knew lists by, and those after know it too.
    texts = {"feature": text, "_type": "Sequence"}
    columns = [
        ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())]), {"_type": "Audio"}),
        (
            ("label", _list(pa.int64()), {"feature": label, "_type": "Sequence"})
            if data.multi_label
            else ("label", pa.int64(), label)
        ),
        ("key", pa.string(), text),
        ("video_id", pa.string(), text),
        ("start", pa.float64(), number),
        ("end", pa.float64(), number),
        ("labels", _list(pa.string()), texts),
        ("human_labels", _list(pa.string()), texts),
        ("sha256", pa.string(), text),
    ]
    features = {name: feature for name, _, feature in columns}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema([(name, kind) for name, kind, _ in columns], metadata)


def _list(kind: pa.DataType) -> pa.DataType:
    """A list with parquet's own name for what is in it, so that it is read back as it was written."""
    return pa.list_(pa.field("element", kind))


def _row(one: Example, schema: pa.Schema) -> dict[str, Any]:
    """All of a row but its sound."""
    several = pa.types.is_list(schema.field("label").type)
    return {"label": list(one.targets) if several else one.targets[0], **one.told()}


def _make(examples: Sequence[Example], schema: pa.Schema, group: int, path: Path) -> None:
    # Sounds are packed by nothing and have no least and most that anybody would ask for.
    with pq.ParquetWriter(
        path, schema, compression="none", use_dictionary=False, write_statistics=False
    ) as writer:
        for start in range(0, len(examples), group):
            rows = [
                {"audio": {"bytes": wav_bytes(one), "path": f"{one.name}.wav"}, **_row(one, schema)}
                for one in examples[start : start + group]
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema), group)


def _check(examples: Sequence[Example], schema: pa.Schema, path: Path) -> None:
    try:
        with open_file(path) as handle, pq.ParquetFile(handle) as file:
            if not file.schema_arrow.equals(schema, check_metadata=True):
                raise ValueError("its columns are others")
            count = 0
            # Read as batches, several groups would be in memory at once.
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group, use_threads=False).to_pylist():
                    if count >= len(examples) or not _is_right(examples[count], row, schema):
                        raise ValueError(f"row {count} is another")
                    count += 1
        if count != len(examples):
            raise ValueError(f"it has {count:,} rows instead of {len(examples):,}")
    except (ValueError, pa.ArrowException) as error:
        raise DataMismatch(
            f"{path} is not what was written: {error}", "See to the disk, and export again."
        ) from error


def _is_right(one: Example, row: dict[str, Any], schema: pa.Schema) -> bool:
    audio = row.pop("audio")
    return row == _row(one, schema) and hashlib.sha256(audio["bytes"]).hexdigest() == one.sha256
