"""A mel spectrogram as a picture: seconds, hertz and decibels."""

from pathlib import Path

from ..exceptions import UsageError
from ..plots import MelImage, draw_mel
from ..shards.shard import classes_of, keys_of, open_shard
from ..shards.spec import MelSpec, in_decibels, mel_axis
from ..workspace import printable

_AXIS_POINTS = 2_001


def draw(picture: Path, path: Path, row: int) -> None:
    """Draw one mel of a shard to a PNG.

    Args:
        picture: the PNG to write.
        row: which of its mels.

    Raises:
        UsageError: there is no such row.
        DataMismatch: the shard or that mel is damaged.
    """
    shard = open_shard(path)
    rows = len(shard.label)
    if not 0 <= row < rows:
        raise UsageError(f"no row {row} in {printable(path)}", f"Its rows are 0 to {rows - 1}.")
    spec = shard.header.spec
    noise = f", noise copy {shard.noise[row]}" if shard.noise[row] else ""
    classes = printable(", ".join(classes_of(shard)[row]))
    (mel,) = shard.read(row, row + 1)
    draw_mel(
        picture,
        MelImage(
            in_decibels(mel, spec),
            seconds=frame_times(spec),
            hertz=mel_axis(spec, _AXIS_POINTS),
            unit="level (dB)" if spec.log else "level (dB, relative to the loudest)",
        ),
        f"{classes}: {printable(keys_of(shard)[row])}{noise}",
    )


def frame_times(spec: MelSpec) -> tuple[float, float]:
    """The middle of a spec's first frame, and from each frame to the next, in seconds."""
    first = 0 if spec.center else spec.n_fft / 2
    return first / spec.sample_rate, spec.hop_length / spec.sample_rate
