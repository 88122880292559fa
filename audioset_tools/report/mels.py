"""The mel of a clip as a small picture, from the shard that holds it, else from its samples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch
from ..featurize.scale import in_decibels
from ..featurize.shard import Shard, open_shard
from ..featurize.spec import PRESETS, MelSpec, read_spec
from ..figures import draw_mel_strip
from ..workspace import Workspace

FORM = "strip 1"
"""Changed whenever another picture is to be made of the same mel."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MelRows:
    """Where the mels of a workspace lie, noise copies left out.

    Args:
        spec: of them all; the paper's where there are none.
        rows: per key, the shard and which of its rows.
    """

    spec: MelSpec
    rows: Mapping[str, tuple[Shard, int]]

    def mel(self, key: str) -> Floats | None:
        """The mel of a clip, [bands, frames], or None where no shard has it undamaged."""
        if key not in self.rows:
            return None
        shard, row = self.rows[key]
        try:
            mel: Floats = shard.read(row, row + 1)[0]
        except DataMismatch:
            return None
        return mel


def shown_spec(place: Workspace) -> MelSpec:
    """The spec of the pictures: of the first folder of shards by name, the paper's where there are none."""
    return next((read_spec(shard.header.spec) for shard in _shards(place)), PRESETS["paper"])


def mel_rows(place: Workspace) -> MelRows:
    """Find the mels of every clip; opens all shards of a folder but reads no mel."""
    rows: dict[str, tuple[Shard, int]] = {}
    spec = None
    for shard in _shards(place):
        spec = spec or read_spec(shard.header.spec)
        if shard.header.spec == spec.json():
            plain = np.flatnonzero(shard.noise == 0).tolist()
            rows |= {shard.key[row].decode("ascii", "replace"): (shard, row) for row in plain}
    return MelRows(spec or PRESETS["paper"], rows)


def draw_strip(picture: Path, mel: Floats, spec: MelSpec) -> None:
    """Draw a mel as a small picture without axes."""
    draw_mel_strip(picture, in_decibels(mel, spec))


def _shards(place: Workspace) -> Iterator[Shard]:
    """The readable shards of the first folder that has one, by name."""
    for folder in sorted(path for path in place.shards.glob("*") if path.is_dir()):
        found = False
        for path in sorted(folder.glob("*.h5")):
            try:
                shard = open_shard(path)
                read_spec(shard.header.spec)
            except DataMismatch:
                continue
            found = True
            yield shard
        if found:
            return
