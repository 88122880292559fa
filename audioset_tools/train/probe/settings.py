"""Which file a probe hears with, as the settings of its run have it."""

from dataclasses import replace
from pathlib import Path

from ...exceptions import DataMismatch
from ...runs.about import NOT_OURS
from ..config import EMBEDDING_RATE, TrainConfig
from .embedder import Embedding, digest_of_file


def embedding_of(config: TrainConfig, path: Path | str | None = None) -> Embedding:
    """The embedding of a probe's settings, as `train` left them.

    Args:
        path: where the file lies; None for where it lay then.

    Raises:
        DataMismatch: they do not say which file it was.
    """
    if config.embedding is None or config.embedding_sha256 is None:
        raise DataMismatch("the run does not say which embedding file it was trained with", NOT_OURS)
    rate = EMBEDDING_RATE if config.embedding_rate is None else config.embedding_rate
    place = Path(config.embedding if path is None else path)
    return Embedding(place, config.embedding_sha256, config.embedding_output, rate)


def identified(config: TrainConfig) -> TrainConfig:
    """A probe's settings with the whole path and the sha256 of its file.

    Raises:
        UsageError: the file cannot be read.
    """
    assert config.embedding is not None
    path = Path(config.embedding).absolute()
    return replace(config, embedding=str(path), embedding_sha256=digest_of_file(path))
