"""What ffmpeg says on standard error, understood and shortened; its lines are marked with their levels."""

import re

_LOG_BYTES = 16_384
"""So much of what ffmpeg says is looked at: half from its beginning, half from its end."""

UNMIXABLE = re.compile(r"Rematrix is needed|[Ii]nput channel layout .{0,200} is not supported")
"""What ffmpeg says of too many channels."""

_NOT_READ = re.compile(r"Format not on whitelist .*")
"""What ffmpeg says of what is none of `containers.RECORDINGS`, all of which it then names."""

_NO_RECORDING = "it is a playlist, a script or a picture, and no recording"

NO_SOUND = re.compile(rf"matches no streams|does not contain any stream|{_NO_RECORDING}")
"""What ffmpeg says of a file without an audio stream."""

_SOUND = re.compile(r"^\[info\] +Stream #0:.{0,60}: Audio: (\w+)(?:.{0,200}?, (\d{1,15}) Hz)?", re.MULTILINE)
"""Codec and rate of the first stream of sound, in what ffmpeg says of its input."""


_HOLE = re.compile(
    r"^(?:\[Eval @ \w+\] )?\[info\] (\d+\.\d{6})\n(?:\[Eval @ \w+\] )?\[info\] (\d+\.\d{6})\n", re.MULTILINE
)

_COMPLAINT = re.compile(
    r"^((?:\[[^\]\n]{1,100}\] ){0,4})"
    r"\[(?:(?:error|fatal)\] (.+)|warning\] (.{0,300}(?:corrupt|do not match).*))",
    re.MULTILINE,
)

_INPUT = re.compile(r"^\[info\] Input #0, (\S+), from", re.MULTILINE)

_DECODER = re.compile(r"^\[info\]   Stream #0:(\d+) \((\w+)\) -> ", re.MULTILINE)
"""Which stream is decoded, and by what."""

_COUNTED = ("flac", "tta", "wv", "ape")

_STREAM = re.compile(r"[Ss]tream(?: #0:| = | )(\d+)")

_OF_A_PICTURE = re.compile(r"picture|cover|mimetype|APIC", re.IGNORECASE)

_PACKETS = re.compile(r"Packet corrupt|corrupt input packet")


def holes_of(output: str) -> list[tuple[float, float]]:
    """Where the holes in the time stamps begin, and how long they are, in seconds; see `command_for_all`."""
    return [(float(begin), float(length)) for begin, length in _HOLE.findall(output)]


def complaints_of_sound(output: str) -> list[str]:
    """What ffmpeg complained of the sound that it decoded, or of the file as a whole.

    A cover that is no picture, or one of another kind than it is called, does the sound no harm, and no more
    do broken streams of pictures, subtitles or data.

    Args:
        output: all that `command_for_all` wrote on standard error, or its beginning.
    """
    container, decoder = _INPUT.search(output), _DECODER.search(output)
    found = [(parts, error or warning) for parts, error, warning in _COMPLAINT.findall(output)]
    if container is None or decoder is None:
        return [words for _, words in found]
    sound, codec = decoder.groups()
    ours = (container[1], codec, f"dec:{codec}", "in#0", f"in#0/{container[1]}", f"aist#0:{sound}/{codec}")
    return [
        words
        for parts, words in found
        if all(part.split(" @ ")[0] in ours for part in parts.strip("[] ").split("] [") if part)
        and all(stream == sound for stream in _STREAM.findall(words))
        and not _OF_A_PICTURE.search(words)
    ]


def without_packets(complaints: list[str]) -> list[str]:
    """Complaints without those of a last packet that is shorter than others."""
    return [words for words in complaints if not _PACKETS.search(words)]


def stated_seconds(output: str) -> float | None:
    """The length of a container in what ffmpeg says of it; None where ffmpeg only estimates that."""
    match = re.search(r"^(?:\[info\])?   ?Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", output, re.MULTILINE)
    if match is None or "Estimating duration" in output:
        return None
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def counts_samples(output: str) -> bool:
    """Whether the container, by what ffmpeg says of it, tells how many samples of sound there are."""
    container = _INPUT.search(output)
    return container is not None and container[1] in _COUNTED


def form_of(notes: str) -> str:
    """Container, codec, rate and length of what ffmpeg opened, as far as it says."""
    container = re.search(r"^\[info\] Input #0, (\w+)", notes, re.MULTILINE)
    sound = _SOUND.search(notes)
    if container is None or sound is None or not sound[2]:
        return ""
    name = {"mov": "mp4"}.get(container[1], container[1])
    codec = name if sound[1] == name else f"{name}/{sound[1]}"
    length = stated_seconds(notes)
    return f"{codec} {sound[2]} Hz" + ("" if length is None else f" {length:.2f} s")


def rate_of(notes: str) -> int | None:
    """The sample rate of the first stream of sound, in hertz; None where ffmpeg does not tell it."""
    sound = _SOUND.search(notes)
    return int(sound[2]) if sound and sound[2] else None


def shortened(output: bytes) -> str:
    """The beginning and the end of what ffmpeg wrote on standard error, as text."""
    if len(output) > _LOG_BYTES:
        output = output[: _LOG_BYTES // 2] + b"\n" + output[-_LOG_BYTES // 2 :]
    return as_text(output)


def as_text(output: bytes) -> str:
    """What ffmpeg wrote on standard error, without the names of all that it may read."""
    return _NOT_READ.sub(_NO_RECORDING, output.decode("utf-8", "replace"))


def summed_up(output: str) -> str:
    """ffmpeg's first words, which name the cause, and its last."""
    lines = lines_of(output)
    return lines[0] if lines[0] == lines[-1] else f"{lines[0]}; {lines[-1]}"


def lines_of(output: str) -> list[str]:
    """Its lines, without the names of its parts, and without addresses: one of media names the user's own."""
    lines = [re.sub(r"https?://\S+", "<address>", line[:500]) for line in output.splitlines()]
    parts = re.compile(r"^(?:\[[^\]]*\] )+")
    return [words for line in lines if (words := parts.sub("", line).strip())] or ["ffmpeg said nothing"]
