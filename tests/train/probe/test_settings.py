"""A probe's file in the settings of its run."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.probe.embedder import Embedding
from audioset_tools.train.probe.settings import embedding_of, identified


def test_training_notes_the_whole_path_and_the_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tagger.onnx").write_bytes(b"any")
    monkeypatch.chdir(tmp_path)
    config = identified(TrainConfig("probe", embedding="tagger.onnx"))
    digest = hashlib.sha256(b"any").hexdigest()
    assert embedding_of(config) == Embedding(tmp_path / "tagger.onnx", digest, None, 16_000)
    elsewhere = replace(config, embedding_output="scores", embedding_rate=32_000)
    assert embedding_of(elsewhere, "moved.onnx") == Embedding(Path("moved.onnx"), digest, "scores", 32_000)


def test_a_run_that_does_not_say_which_file_is_refused() -> None:
    with pytest.raises(DataMismatch, match="which embedding file"):
        embedding_of(TrainConfig("probe", embedding="tagger.onnx"))
