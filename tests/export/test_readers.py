"""Each export is read by the reader that it is for, and the sound it finds is the clip's to the byte.

The readers are the real ones (the extra `interop`), all in this process: what they import takes longer than
what is tested.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audioset_tools.export.documents.croissant import CROISSANT, croissant_of_table
from audioset_tools.export.examples import Example, read_exported
from audioset_tools.export.folder import standing
from audioset_tools.export.run import export
from audioset_tools.workspace import Workspace
from tests.export.conftest import LABELS

# Their own warnings, of libraries that they use, are nothing that we could mend.
pytestmark = pytest.mark.filterwarnings("ignore")


class Exports:
    """Exports of one workspace, each made when it is first asked for."""

    def __init__(self, workspace: Workspace, lists: Path, root: Path) -> None:
        self.workspace, self.lists, self._root = workspace, lists, root

    def folder(self, name: str, targets: str) -> Path:
        folder = self._root / f"{name}-{targets}"
        if not folder.exists():
            export(self.workspace, name, folder, targets=targets, metadata=self.lists)
        return folder

    def examples(self, targets: str) -> dict[str, dict[str, Example]]:
        """By split and key."""
        data = read_exported(self.workspace, targets, self.lists)
        return {split: {one.key: one for one in examples} for split, examples in data.splits.items()}


@pytest.fixture(scope="module")
def exports(_featurized: Path, tmp_path_factory: pytest.TempPathFactory) -> Exports:
    root = tmp_path_factory.mktemp("exports")
    shutil.copytree(_featurized, root / "audioset")
    (root / "lists").mkdir()
    (root / "lists" / "class_labels_indices.csv").write_text(LABELS)
    return Exports(Workspace(root / "audioset"), root / "lists", root)


BOTH = pytest.mark.parametrize("targets", ["classes", "mids"])


def same_sound(content: bytes, one: Example) -> None:
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert (samples.shape, rate) == ((160_000,), 16_000)
    assert hashlib.sha256(content).hexdigest() == one.sha256


@BOTH
def test_datasets_loads_the_folder(exports: Exports, tmp_path: Path, targets: str) -> None:
    from datasets import Audio, ClassLabel, load_dataset

    folder = str(exports.folder("hf", targets))
    found = load_dataset(folder, cache_dir=str(tmp_path)).cast_column("audio", Audio(decode=False))
    wanted = exports.examples(targets)
    assert list(found) == list(wanted) == ["train", "validation", "test"]
    label = found["train"].features["label"]
    names = (label if targets == "classes" else label.feature).names
    assert isinstance(label if targets == "classes" else label.feature, ClassLabel)
    assert names == (["Tone", "Noise"] if targets == "classes" else ["Music", "Male speech, man speaking"])
    for split, examples in wanted.items():
        assert sorted(found[split]["key"]) == sorted(examples)
        for row in found[split]:
            one = examples[row["key"]]
            same_sound(row["audio"]["bytes"], one)
            assert row["sha256"] == one.sha256
            assert np.atleast_1d(row["label"]).tolist() == list(one.targets)


def _records(document: Path) -> Callable[[str], Iterator[dict[str, Any]]]:
    """What `mlcroissant` reads by a document in which it finds nothing to complain of."""
    import mlcroissant

    dataset = mlcroissant.Dataset(str(document))
    assert dataset.metadata.ctx.issues.report() == ""
    return dataset.records


@BOTH
def test_mlcroissant_validates_the_parquet_and_reads_it(exports: Exports, targets: str) -> None:
    records = _records(exports.folder("hf", targets) / CROISSANT)
    left = exports.examples(targets)
    for record in records("clips"):
        one = left[record["clips/split"].decode()].pop(record["clips/key"].decode())
        same_sound(record["clips/audio"], one)
        assert record["clips/sha256"].decode() == one.sha256
        assert np.atleast_1d(record["clips/label"]).tolist() == list(one.targets)
        assert [label.decode() for label in record["clips/labels"]] == list(one.labels)
    assert not any(left.values())
    assert [row["targets/index"] for row in records("targets")] == [0, 1]


def test_mlcroissant_validates_a_table_and_reads_it(exports: Exports, tmp_path: Path) -> None:
    table = Path(shutil.copy(exports.workspace.dataset, tmp_path / "dataset.csv"))
    data = read_exported(exports.workspace, "classes", exports.lists)
    document = croissant_of_table(data, standing(table, ""))
    (tmp_path / CROISSANT).write_text(json.dumps(document))
    found = {row["clips/key"].decode(): row for row in _records(tmp_path / CROISSANT)("clips")}
    wanted = {one.key: (one.sha256, one.split, one.classes[0]) for one in data.examples}
    fields = ("clips/sha256", "clips/split", "clips/class")
    assert {key: tuple(row[name].decode() for name in fields) for key, row in found.items()} == wanted
    # It finds a table that is another than was described.
    table.write_text(table.read_text().replace("train", "traim", 1))
    with pytest.raises(Exception, match="Download"):
        list(_records(tmp_path / CROISSANT)("clips"))


@BOTH
def test_webdataset_streams_the_tars(exports: Exports, targets: str) -> None:
    import webdataset

    for split, examples in exports.examples(targets).items():
        tar = str(exports.folder("webdataset", targets) / f"{split}-000000.tar")
        handlers = [webdataset.handle_extension("wav", lambda content: content)]
        samples = list(webdataset.WebDataset(tar, shardshuffle=False).decode(*handlers))
        assert [sample["json"]["key"] for sample in samples] == list(examples)
        for sample in samples:
            one = examples[sample["json"]["key"]]
            same_sound(sample["wav"], one)
            assert sample["json"]["targets"] == list(one.targets) and sample["__key__"] == one.name
            assert sample.get("cls") == (one.targets[0] if targets == "classes" else None)


@BOTH
def test_lhotse_validates_the_cuts_and_tags_them(exports: Exports, tmp_path: Path, targets: str) -> None:
    import torch
    from lhotse import CutSet, Fbank, RecordingSet, SupervisionSet, validate
    from lhotse.dataset import AudioTaggingDataset, OnTheFlyFeatures, SimpleCutSampler

    # The folder is moved: its paths are relative.
    folder = Path(shutil.copytree(exports.folder("lhotse", targets), tmp_path / "moved"))
    for split, examples in exports.examples(targets).items():
        cuts = (
            CutSet.from_file(folder / f"cuts_{split}.jsonl.gz").with_recording_path_prefix(folder).to_eager()
        )
        validate(cuts, read_data=True)
        assert [cut.supervisions[0].custom["key"] for cut in cuts] == list(examples)
        for cut, one in zip(cuts, examples.values(), strict=True):
            same_sound(Path(cut.recording.sources[0].source).read_bytes(), one)
            assert cut.load_audio().shape == (1, 160_000)
        recordings = RecordingSet.from_file(folder / f"recordings_{split}.jsonl.gz")
        supervisions = SupervisionSet.from_file(folder / f"supervisions_{split}.jsonl.gz")
        assert len(recordings) == len(supervisions) == len(examples)
    cuts = CutSet.from_file(folder / "cuts_train.jsonl.gz").with_recording_path_prefix(folder)
    tagging = AudioTaggingDataset(input_strategy=OnTheFlyFeatures(Fbank()), return_cuts=True)
    batches = torch.utils.data.DataLoader(
        tagging, sampler=SimpleCutSampler(cuts, max_cuts=4), batch_size=None
    )
    wanted = exports.examples(targets)["train"]
    seen = 0
    for batch in batches:
        assert batch["inputs"].shape[1:] == (1_000, 80)
        said = batch["supervisions"]
        for cut, events in zip(said["cut"], said["audio_event"], strict=True):
            one = wanted[cut.supervisions[0].custom["key"]]
            assert [int(event) for event in events.split(";")] == list(one.targets)
            seen += 1
    assert seen == len(wanted)
