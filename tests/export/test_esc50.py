"""ESC-50's table as its readers read it."""

from pathlib import Path

import pandas as pd
import pytest
import soundfile

from audioset_tools.exceptions import UsageError
from audioset_tools.export.run import export
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace


def test_pandas_reads_the_table_and_the_folds_are_the_splits(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    export(exportable, "esc50", tmp_path / "out", metadata=labels)
    table = pd.read_csv(tmp_path / "out" / "meta" / "esc50.csv")
    folds = {"train": 1, "validation": 2, "test": 3}
    wanted = {one.key: (folds[one.split], one.class_name) for one in read_dataset(exportable.dataset)}
    assert {row.src_file: (row.fold, row.category) for row in table.itertuples()} == wanted
    assert dict(zip(table.category, table.target, strict=True)) == {"Tone": 0, "Noise": 1}
    for name in table.filename:
        sound = soundfile.info(tmp_path / "out" / "audio" / name)
        assert (sound.frames, sound.samplerate, sound.channels) == (160_000, 16_000, 1)


def test_several_classes_have_no_room(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one class a clip"):
        export(exportable, "esc50", tmp_path / "out", targets="mids", metadata=labels)
