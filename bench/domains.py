"""Instruments that nobody here synthesised: one soundfont to learn from and another to be tested on.

    python bench/domains.py [--folder DIR] [--per-class 160] [--models paper,svm] [--seeds 3]

Needs fluidsynth, espeak-ng and two soundfonts of Debian: apt install fluidsynth espeak-ng fluid-soundfont-gm
timgm6mb-soundfont. Seeded melodies (`melodies.py`) of the four classes are played by FluidR3 GM (domain A)
and by TimGM6mb (domain B), put into rooms among people and noise (`degrade.py`), and written in a mixture of
formats, half of them Opus at 64 kbit/s. They go through `fetch --source local:` and `featurize` as anybody's
own files do.

Then every model is trained on A, with its own defaults and several seeds, and tested on A's test split and on
all of B. Each result is a line of DIR/results.jsonl as soon as it is there: run again, the bench goes on
behind it, and whoever interrupts it gets the table of what there is. To train a model anew, remove its lines.
"""

import argparse
import csv
import hashlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from degrade import RATE, Samples, degraded
from melodies import CLASSES, SLOT_S, compose, midi_file
from scipy.signal import resample_poly
from scipy.special import softmax

from audioset_tools import Workspace, console, evaluate, featurize, fetch, train
from audioset_tools.audio.ffmpeg import ffmpeg_binary
from audioset_tools.exceptions import DataMismatch
from audioset_tools.runs.calibration import calibration
from audioset_tools.runs.evaluation import Predictions
from audioset_tools.runs.folder import WEIGHTS
from audioset_tools.train.baselines import CLASSICAL
from audioset_tools.train.networks import MODELS
from audioset_tools.train.weights import read_weights

PACKAGES = "apt install fluidsynth espeak-ng fluid-soundfont-gm timgm6mb-soundfont"

CLIP_S = 10
BEGIN_S = 0.4
"""Of a clip after the beginning of its piece, whose first note is up to 0.8 s late."""

PARTS = {"train": 10, "validation": 3, "test": 3}
"""Sixteenths of a class that domain A's splits have."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One soundfont: the name of its workspace, its file, and a number for the seeds of what it plays."""

    name: str
    font: Path
    seed: int

    def rng(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *numbers])


FONTS = Path("/usr/share/sounds/sf2")
DOMAINS = (Domain("a", FONTS / "FluidR3_GM.sf2", 1), Domain("b", FONTS / "TimGM6mb.sf2", 2))

FORMS = {
    "webm": (0.5, ("-c:a", "libopus", "-b:a", "64k")),
    "m4a": (0.15, ("-c:a", "aac", "-b:a", "96k")),
    "mp3": (0.15, ("-c:a", "libmp3lame", "-b:a", "96k")),
    "flac": (0.1, ("-c:a", "flac")),
    "wav": (0.1, ("-c:a", "pcm_s16le")),
}
"""By suffix: the share of the clips, and how ffmpeg encodes them."""

ENCODED_AT_ONCE = 16

PLAYED_AT_ONCE = 320
"""Clips of one recording, of which two lie in memory: a gigabyte together."""

VOICES = ("en-us", "en-gb", "de", "fr", "es", "it", "pt", "nl", "pl", "sv")
VARIANTS = ("", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5")
TALK = (
    "so now we have a look at what this one does and then play it again from the start"
    " hello everybody welcome today music lesson please listen first second slowly tempo note song"
    " thank you for watching subscribe below there is nothing else left to say about that morning"
)
"""Words that are drawn from."""

LITERAL = "paper --literal"
"""The paper's network on the mels as they are."""

UTTERANCES = 48
"""Of a domain; each clip with speech has a stretch of one."""


def require_tools() -> None:
    """See that all that plays and speaks is installed."""
    missing = [name for name in ("fluidsynth", "espeak-ng") if shutil.which(name) is None]
    missing += [str(domain.font) for domain in DOMAINS if not domain.font.is_file()]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}. On Debian: {PACKAGES}")


def run(*words: str | Path) -> None:
    """Run a program that must succeed."""
    subprocess.run([str(word) for word in words], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def play(midi: bytes, font: Path, folder: Path) -> Samples:
    """What fluidsynth makes of a MIDI file, without its own room: int16, [frames, 2] at `RATE`."""
    (folder / "music.mid").write_bytes(midi)
    options = ("-q", "-n", "-i", "-g", "0.5", "-R", "0", "-C", "0", "-r", str(RATE), "-T", "wav")
    run("fluidsynth", *options, "-F", folder / "music.wav", font, folder / "music.mid")
    return soundfile.read(folder / "music.wav", dtype="int16", always_2d=True)[0]


def speak(domain: Domain, folder: Path) -> list[Samples]:
    """People who talk, each for more than a clip: float32 at `RATE`."""
    words, spoken = TALK.split(), []
    for number in range(UTTERANCES):
        rng, path = domain.rng(0, number), folder / f"{number}.wav"
        voice = f"{rng.choice(VOICES)}{rng.choice(VARIANTS)}"
        options = ("-v", voice, "-s", str(rng.integers(120, 200)), "-p", str(rng.integers(20, 80)))
        run("espeak-ng", *options, "-w", path, " ".join(rng.choice(words, 60)))
        samples, rate = soundfile.read(path, dtype="float32")
        samples = resample_poly(samples, RATE, rate)
        spoken.append(np.resize(samples, max(len(samples), 2 * CLIP_S * RATE)))
    return spoken


def ytid(domain: Domain, class_name: str, number: int) -> str:
    """An id that YouTube could give."""
    return hashlib.sha256(f"{domain.name} {class_name} {number}".encode()).hexdigest()[:10] + "A"


def render(domain: Domain, class_name: str, count: int, speech: Sequence[Samples], folder: Path) -> None:
    """Write the clips of one class as `Y<id>.<suffix>`."""
    for first in range(0, count, PLAYED_AT_ONCE):
        render_some(domain, class_name, range(first, min(first + PLAYED_AT_ONCE, count)), speech, folder)


def render_some(
    domain: Domain, class_name: str, numbers: range, speech: Sequence[Samples], folder: Path
) -> None:
    """Write some of the clips of one class."""
    rngs = [domain.rng(1 + CLASSES.index(class_name), number) for number in numbers]
    with tempfile.TemporaryDirectory() as name:
        parts = Path(name)
        music = play(midi_file([compose(class_name, rng) for rng in rngs]), domain.font, parts)
        sources: list[Path] = []
        for slot, (number, rng) in enumerate(zip(numbers, rngs, strict=True)):
            begin = int(RATE * (SLOT_S * slot + BEGIN_S))
            dry = music[begin : begin + CLIP_S * RATE].mean(axis=1) / 32768
            talk = speech[int(rng.integers(len(speech)))]
            talk = talk[int(rng.integers(len(talk) - CLIP_S * RATE)) :]
            sources.append(parts / f"{ytid(domain, class_name, number)}.wav")
            soundfile.write(sources[-1], degraded(dry, talk, rng), RATE, subtype="PCM_16")
        suffixes = [rng.choice(list(FORMS), p=[share for share, _ in FORMS.values()]) for rng in rngs]
        for first in range(0, len(numbers), ENCODED_AT_ONCE):
            some = slice(first, first + ENCODED_AT_ONCE)
            encode(sources[some], suffixes[some], folder)


def encode(sources: Sequence[Path], suffixes: Sequence[str], folder: Path) -> None:
    """Several clips by one ffmpeg, whose start costs more than a clip."""
    inputs = [word for source in sources for word in ("-i", source)]
    outputs = [
        word
        for number, (source, suffix) in enumerate(zip(sources, suffixes, strict=True))
        for word in ("-map", f"{number}:a", *FORMS[suffix][1], folder / f"Y{source.stem}.{suffix}")
    ]
    run(ffmpeg_binary(), "-v", "error", "-nostdin", "-y", *inputs, *outputs)


def split_of(domain: Domain, number: int, count: int) -> str:
    """Domain A is learned from; all of B is tested on."""
    if domain.name == "b":
        return "test"
    share = 16 * number / count
    return "train" if share < PARTS["train"] else "validation" if share < 16 - PARTS["test"] else "test"


def make_sounds(domain: Domain, count: int, folder: Path) -> Path:
    """Files and the list of them; a list that is there already stands for all of it."""
    listed = folder / "list.csv"
    if listed.exists():
        return listed
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        speech = speak(domain, Path(name))
        list(pool.map(lambda class_name: render(domain, class_name, count, speech, files), CLASSES))
    with listed.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("ytid", "start", "end", "class", "split"))
        for class_name in CLASSES:
            for number in range(count):
                split = split_of(domain, number, count)
                rows.writerow((ytid(domain, class_name, number), 0, CLIP_S, class_name, split))
    return listed


def make_workspace(domain: Domain, count: int, folder: Path) -> Workspace:
    """The shards of a domain, by way of `fetch` and `featurize`; what is there already is kept."""
    workspace = Workspace(folder / domain.name)
    listed = make_sounds(domain, count, folder / f"sounds-{domain.name}")
    fetch(workspace, segment_list=listed, source=f"local:{listed.parent / 'files'}")
    try:
        featurize(workspace)
    except DataMismatch:
        # Of thousands drawn two may be one sound: one drum alone, as it were.
        if not workspace.same_sound.exists():
            raise
        featurize(workspace, exclude=workspace.same_sound)
    return workspace


@dataclass(frozen=True, slots=True)
class Result:
    """One training.

    Args:
        f1: macro-F1, by domain.
        ece: expected calibration error before and after the temperature, by domain.
        temperature: fitted on A's validation split.
        cpu_s: seconds of CPU that the training took.
    """

    model: str
    seed: int
    f1: dict[str, float]
    ece: dict[str, tuple[float, float]]
    temperature: float
    cpu_s: float


def measure(model: str, seed: int, workspaces: Sequence[Workspace]) -> Result:
    """Train on the first domain, with one thread, and test on both."""
    of_training, elsewhere = workspaces
    name, literal = ("paper", True) if model == LITERAL else (model, False)
    began = time.process_time()
    run = train(of_training, name, literal=literal, seed=seed, threads=1)
    cpu_s = time.process_time() - began
    temperature = read_weights(run.path / WEIGHTS).temperature
    found = {"a": run.test, "b": evaluate(elsewhere, run).predictions}
    return Result(
        model,
        seed,
        f1={name: one.macro_f1 for name, one in found.items()},
        ece={name: calibration_errors(one, temperature) for name, one in found.items()},
        temperature=temperature,
        cpu_s=round(cpu_s, 1),
    )


def calibration_errors(found: Predictions, temperature: float) -> tuple[float, float]:
    """Before and after a temperature by which the logits of some predictions were divided."""
    with np.errstate(divide="ignore"):
        before = softmax(temperature * np.log(found.probability), axis=1)
    return calibration(found.actual, before).error, calibration(found.actual, found.probability).error


def measure_all(
    models: Sequence[str], seeds: int, workspaces: Sequence[Workspace], path: Path
) -> list[Result]:
    """A result of each model and seed; those of the file are not measured again, new ones are added to it."""
    lines = path.read_text().splitlines() if path.exists() else []
    done = [Result(**json.loads(line)) for line in lines]
    there = {(one.model, one.seed) for one in done}
    try:
        for seed in range(seeds):
            for model in models:
                if (model, seed) in there:
                    continue
                done.append(result := measure(model, seed, workspaces))
                with path.open("a") as out:
                    out.write(json.dumps(asdict(result)) + "\n")
                console.say(f"{model}, seed {seed}: {result.f1}, {result.cpu_s} s")
    except KeyboardInterrupt:
        console.say("interrupted: what there is")
    return done


def table(results: Sequence[Result], models: Sequence[str]) -> str:
    """In Markdown, in % but for times: means over the seeds, of F1 with the lowest and the highest."""
    names = [domain.name for domain in DOMAINS]
    heads = ["model", "seeds", *(f"{name.upper()}: F1" for name in names)]
    heads += [*(f"{name.upper()}: ECE before, after" for name in names), "CPU s"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for model in models:
        if own := [one for one in results if one.model == model]:
            cells = [f"`{model}`", str(len(own))]
            cells += [spread([100 * one.f1[name] for one in own]) for name in names]
            for name in names:
                before, after = (100 * statistics.fmean(one.ece[name][n] for one in own) for n in (0, 1))
                cells.append(f"{before:.1f}, {after:.1f}")
            cells.append(f"{statistics.fmean(one.cpu_s for one in own):.0f}")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Their mean, and the lowest and the highest where there are several."""
    mean = f"{statistics.fmean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.1f} to {max(values):.1f})"


def main() -> None:
    """Make both domains, train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "domains")
    parser.add_argument("--per-class", type=int, default=160)
    parser.add_argument("--models", default=",".join([LITERAL, *MODELS, *CLASSICAL]))
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    require_tools()
    folder, models = arguments.folder, arguments.models.split(",")
    workspaces = [make_workspace(domain, arguments.per_class, folder) for domain in DOMAINS]
    results = measure_all(models, arguments.seeds, workspaces, folder / "results.jsonl")
    print(table(results, models))


if __name__ == "__main__":
    main()
