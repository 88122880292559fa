"""What was found in a shard or about a clip, as tables for people and as JSON for programs."""

from dataclasses import asdict
from typing import Any

from ..shards.spec import MelSpec
from ..types import Clip, Table
from ..words import ends_of
from ..workspace import printable
from .clip import ClipFacts
from .shard import ShardFacts


def shard_tables(facts: ShardFacts) -> list[Table]:
    """What is inside a shard, and its classes."""
    header, mean, std = facts.header, facts.statistics.mean, facts.statistics.std
    about = {
        "split": header.split,
        "rows": f"{facts.rows:,}",
        "noise copies": f"{facts.noise_copies} of each clip",
        "recipe": header.recipe + (" (multi-label)" if header.multi_label else ""),
        "mels": spec_words(facts.header.spec),
        "spec": header.spec_digest,
        "made by": f"audioset-tools {header.audioset_tools}, librosa {header.librosa}",
        "size": f"{facts.size:,} bytes",
        "mean of a band": f"{mean.min():.4g} to {mean.max():.4g}",
        "deviation of a band": f"{std.min():.4g} to {std.max():.4g}",
        "first keys": ", ".join(facts.first_keys),
    }
    counts = [(printable(name), f"{clips:,}", f"{rows:,}") for name, (clips, rows) in facts.classes.items()]
    classes = ends_of(counts, lambda more: (more, "", ""))
    return [_told(str(facts.path), about), Table("Classes", ("class", "clips", "rows"), classes)]


def shard_json(facts: ShardFacts) -> dict[str, Any]:
    """The same for `--json`, with the mean and standard deviation of every band."""
    return {
        "path": str(facts.path),
        "bytes": facts.size,
        "split": facts.header.split,
        "rows": facts.rows,
        "noise_copies": facts.noise_copies,
        "classes": {name: {"clips": clips, "rows": rows} for name, (clips, rows) in facts.classes.items()},
        "recipe": facts.header.recipe,
        "multi_label": facts.header.multi_label,
        "spec": asdict(facts.header.spec),
        "spec_digest": facts.header.spec_digest,
        "shape": list(facts.header.spec.shape),
        "inputs": facts.header.inputs,
        "versions": {"audioset_tools": facts.header.audioset_tools, "librosa": facts.header.librosa},
        "mean": facts.statistics.mean.tolist(),
        "std": facts.statistics.std.tolist(),
        "first_keys": list(facts.first_keys),
    }


def clip_table(facts: ClipFacts) -> Table:
    """What the ledger and `dataset.csv` say of a clip."""
    about = {}
    if known := facts.standing:
        one, clip = known.candidate, known.clip
        about = {
            "class": ", also ".join(filter(None, (one.class_name, ", ".join(one.also)))),
            "tier and rank": f"L{one.tier}, rank {one.rank:,}",
            "labels": ", ".join(one.labels),
            "segment": f"{one.start_ms / 1000:g} to {one.end_ms / 1000:g} s, {one.subset}",
            "state": ": ".join(filter(None, (known.state, known.reason, known.detail))),
        }
        if clip:
            about |= {
                "path": clip.path,
                "sound": f"{clip.seconds:g} s before padding, peak {clip.peak:.4f}",
                "source": clip.source,
                "decoder": clip.decoder or "not recorded",
                "sha256": clip.sha256,
            }
            if clip.kept:
                about["kept source"] = clip.kept.path
            if clip.video:
                channel = f" of the channel {clip.video.channel!r}" if clip.video.channel else ""
                about["video"] = f"{clip.video.title!r}{channel}"
    else:
        about["state"] = "the ledger does not know it"
    about["split"] = facts.split or "not in dataset.csv"
    if facts.unreadable:
        about["not searched"] = f"damaged: {', '.join(facts.unreadable)}"
    return _told(facts.key, about)


def mels_table(facts: ClipFacts) -> Table:
    """A clip's mels, and where they lie."""
    rows = []
    for mel in facts.mels:
        values = (mel.low, mel.high, mel.mean)
        numbers = ("damaged", "", "") if mel.damage else tuple(f"{value:.4g}" for value in values)
        rows.append((printable(mel.shard), f"{mel.row:,}", str(mel.noise), *numbers))
    return Table("Mels", ("shard", "row", "noise copy", "lowest", "highest", "mean"), tuple(rows))


def clip_json(facts: ClipFacts) -> dict[str, Any]:
    """The same for `--json`."""
    known = facts.standing
    return {
        "key": facts.key,
        "candidate": asdict(known.candidate) if known else None,
        "state": known.state if known else None,
        "reason": known.reason if known else None,
        "detail": known.detail if known else "",
        "clip": _clip_json(known.clip) if known and known.clip else None,
        "split": facts.split or None,
        "mels": [asdict(mel) for mel in facts.mels],
        "unreadable": list(facts.unreadable),
    }


def _clip_json(clip: Clip) -> dict[str, Any]:
    return asdict(clip) | {"fingerprint": clip.fingerprint.hex()}


def spec_words(spec: MelSpec) -> str:
    """A spec in words."""
    values = f"decibels, {spec.top_db:g} below the loudest" if spec.log else _power(spec.power)
    scale = "HTK" if spec.htk else "Slaney"
    return (
        f"{spec.n_mels} bands of {spec.fmin:,g} to {spec.fmax:,g} Hz on {scale}'s scale"
        f" ({'equal area' if spec.norm else 'equal height'}) by {spec.frames:,} frames of"
        f" {1000 * spec.hop_length / spec.sample_rate:g} ms; {values};"
        f" {spec.sample_rate:,} Hz, window {spec.win_length}, FFT {spec.n_fft}, hop {spec.hop_length},"
        f" {'centred' if spec.center else 'not centred'}"
    )


def _power(power: float) -> str:
    return {1.0: "amplitude", 2.0: "power"}.get(power, f"amplitude to the power {power:g}")


def _told(title: str, about: dict[str, str]) -> Table:
    return Table(printable(title), ("what", "found"), tuple((k, printable(v)) for k, v in about.items()))
