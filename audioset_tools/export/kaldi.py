"""Kaldi's data folders, one a split: `wav.scp`, `text`, `utt2spk`, `spk2utt`, and `reco2dur`.

Source: https://kaldi-asr.org/doc/data_prep.html. Everything is sorted as bytes are; an utterance's name
begins with its speaker's, which is the video, and these are of one length: so both orders are the same. An id
may begin with `-`, which tools take for an option, and so has a `Y` in front.
"""

from .examples import Example, Exported
from .folder import AUDIO
from .part import ExportPart, ExportPlan, text_part


def plan(data: Exported) -> ExportPlan:
    """The folders, and the words of `text` by their numbers; the clips are linked."""
    words = _words(data)
    numbered = "".join(f"{word} {number}\n" for number, word in enumerate(words))
    parts = [text_part("words.txt", numbered)]
    for split, examples in data.splits.items():
        parts += _folder(data, split, sorted(examples, key=_utterance), words)
    return ExportPlan(parts)


def _folder(data: Exported, split: str, examples: list[Example], words: tuple[str, ...]) -> list[ExportPart]:
    speakers: dict[str, list[str]] = {}
    for one in examples:
        speakers.setdefault(_speaker(one), []).append(_utterance(one))
    tables: dict[str, list[tuple[str, ...]]] = {
        "wav.scp": [(_utterance(one), data.file(f"{AUDIO}/{one.name}.wav")) for one in examples],
        "text": [(_utterance(one), *(words[number] for number in one.targets)) for one in examples],
        "utt2spk": [(_utterance(one), _speaker(one)) for one in examples],
        "spk2utt": [(speaker, *spoken) for speaker, spoken in speakers.items()],
        "reco2dur": [(_utterance(one), "10.0") for one in examples],
    }
    return [
        text_part(f"{split}/{name}", "".join(f"{' '.join(row)}\n" for row in rows))
        for name, rows in tables.items()
    ]


def _utterance(one: Example) -> str:
    return f"Y{one.key}"


def _speaker(one: Example) -> str:
    return f"Y{one.ytid}"


def _words(data: Exported) -> tuple[str, ...]:
    """A word a target: its `mid`, or the class with `_` for spaces; numbered where two would be one."""
    if data.target_mids:
        return data.target_mids
    words = tuple("_".join(name.split()) for name in data.target_names)
    if len(set(words)) == len(words):
        return words
    return tuple(f"{number}_{word}" for number, word in enumerate(words))
