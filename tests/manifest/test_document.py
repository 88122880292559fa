"""A manifest is read as it was written, and a damaged or hostile one is refused with its line, soon."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audioset_tools.audio.fingerprint import FINGERPRINT_BYTES
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.manifest import document
from audioset_tools.manifest.document import (
    LeftOut,
    MadeFrom,
    Manifest,
    ManifestClip,
    is_manifest,
    manifest_text,
    read_manifest,
    write_manifest,
)

MADE_FROM = MadeFrom(
    recipe="paper",
    recipe_digest="ab" * 32,
    recipe_text='name = "paper"\n',
    lists_digest="cd" * 32,
    of_list=False,
    multi_label=True,
    class_names=("Piano", "Drums"),
    seed=7,
    splits=(10, 1, 1),
    least_ms=10_000,
    sample_rate=16_000,
    versions={"audioset-tools": "0.1.0", "ffmpeg": "5.1.9 soxr"},
)

CLIPS = tuple(
    ManifestClip(
        key=f"{n:010}A_{1_000 * n}",
        end_ms=1_000 * n + 10_000,
        class_name=("Piano", "Drums")[n % 2],
        also=("Drums",) if n == 2 else (),
        labels=("/m/05r5c", "/m/0l14j_"),
        split=("train", "test", "")[n % 3],
        sha256=f"{n:064x}",
        fingerprint=bytes([n]) * FINGERPRINT_BYTES if n else b"",
        source="youtube webm/opus 251 by lean",
        cut="time stamps",
        decoder="ffmpeg 5.1.9 soxr",
    )
    for n in range(4)
)

LEFT = (LeftOut("deaddeaddeA_30000", "Piano", "removed", "2026-11-24T14:05:00Z"),)

MANIFEST = Manifest(MADE_FROM, CLIPS, LEFT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_manifest(MANIFEST, tmp_path / "set.json")
    return tmp_path / "set.json"


@pytest.mark.parametrize(
    "manifest", [MANIFEST, replace(MANIFEST, left_out=()), replace(MANIFEST, clips=CLIPS[:1])]
)
def test_what_is_written_is_read(tmp_path: Path, manifest: Manifest) -> None:
    write_manifest(manifest, tmp_path / "set.json")
    assert read_manifest(tmp_path / "set.json") == manifest
    assert is_manifest(tmp_path / "set.json")
    again = tmp_path / "again.json"
    write_manifest(read_manifest(tmp_path / "set.json"), again)
    assert again.read_bytes() == (tmp_path / "set.json").read_bytes()


def test_it_is_json_for_anybody(path: Path) -> None:
    read = json.loads(path.read_text())
    assert [one["key"] for one in read["clips"]] == [one.key for one in CLIPS]
    assert read["made from"]["class_names"] == [
        "Piano",
        "Drums",
    ]
    assert read["left out"][0]["reason"] == "removed"


def test_its_list_has_its_classes_splits_and_labels() -> None:
    found = MANIFEST.segment_list()
    assert (found.name, found.class_names, found.seed, found.splits.train) == (
        "paper",
        ("Piano", "Drums"),
        7,
        10,
    )
    assert [(one.key, one.class_name, one.rank) for one in found.candidates] == [
        (CLIPS[0].key, "Piano", 0),
        (CLIPS[2].key, "Piano", 1),
        (CLIPS[1].key, "Drums", 0),
        (CLIPS[3].key, "Drums", 1),
    ]
    assert found.candidates[1].also == ("Drums",) and found.multi_label
    assert {one.labels for one in found.candidates} == {("/m/05r5c", "/m/0l14j_")}
    assert [one.split for one in found.candidates] == ["train", "", "test", "train"]


DAMAGE: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "line 1: the file ends too soon"),
    "other JSON": (lambda text: json.dumps({"a": 1}) + "\n", "line 1: this is no manifest"),
    "another version": (lambda text: text.replace('manifest": 1', 'manifest": 12'), "manifest version 12"),
    "reformatted": (
        lambda text: json.dumps(json.loads(text), indent=1) + "\n",
        "line 1: this is no manifest",
    ),
    "cut off": (lambda text: text[: len(text) // 2], "the file ends too soon"),
    "cut at a line": (lambda text: "\n".join(text.splitlines()[:5]) + "\n", "the file ends too soon"),
    "more behind": (lambda text: text + "x", "something follows its end"),
    "no head": (
        lambda text: text.replace('"made from"', '"made by"'),
        "line 2: what it was made from is missing",
    ),
    "a comma less": (
        lambda text: text.replace("},\n{", "}\n{", 1),
        "line 5: ], is expected here, or a comma",
    ),
    "a comma more": (lambda text: text.replace("}\n],", "},\n],", 1), "a record is missing behind the comma"),
    "no clip": (
        lambda text: "\n".join([*text.splitlines()[:3], *text.splitlines()[7:], ""]),
        "names no clip",
    ),
    "twice": (lambda text: text.replace(*text.splitlines()[4:2:-1]), "line 5: the clip 0000000000A_0 stands"),
    "a name twice": (
        lambda text: text.replace('{"key": "0', '{"key": "", "key": "0', 1),
        "line 4: a name stands there twice",
    ),
    "no key": (lambda text: text.replace(CLIPS[0].key, "../../x"), "no clip's key"),
    "too long": (
        lambda text: text.replace('"end_ms": 10000', '"end_ms": 10001', 1),
        "no whole number from 1 to 10,000",
    ),
    "a float": (lambda text: text.replace('"end_ms": 10000', '"end_ms": 1e4', 1), "no whole number"),
    "infinite": (
        lambda text: text.replace('"end_ms": 10000', '"end_ms": Infinity', 1),
        "Infinity is no number",
    ),
    "huge": (lambda text: text.replace('"end_ms": 10000', '"end_ms": ' + "9" * 60_000, 1), "line 4: "),
    "deep": (
        lambda text: text.replace('"also": []', '"also": ' + "[" * 30_000 + "]" * 30_000, 1),
        "line 4: ",
    ),
    "wide": (
        lambda text: text.replace('"also": []', '"also": [' + '"",' * 30_000 + '""]', 1),
        "line 4: the line is too long",
    ),
    "no class": (
        lambda text: text.replace('"class_name": "Piano"', '"class_name": "Harp"', 1),
        "no such class: 'Harp'",
    ),
    "a class that is no folder": (
        lambda text: text.replace('["Piano", "Drums"]', '["P/", "P-"]', 1),
        "would lie in one folder",
    ),
    "no split": (lambda text: text.replace('"split": "train"', '"split": "dev"', 1), "no such split: 'dev'"),
    "no sha256": (lambda text: text.replace("0" * 64, "g" * 64, 1), "no sha256"),
    "no base64": (lambda text: text.replace('"fingerprint": "AQEB', '"fingerprint": "A!EB', 1), "line 5: "),
    "a short fingerprint": (
        lambda text: text.replace('"fingerprint": ""', '"fingerprint": "AQEB"', 1),
        "has 3 bytes",
    ),
    "an escape": (lambda text: text.replace("by lean", "by \\u001b[2J", 1), "plain characters"),
    "a field more": (
        lambda text: text.replace('{"key": "0', '{"x": 1, "key": "0', 1),
        "line 4: x should not be here",
    ),
    "a field less": (
        lambda text: text.replace('"cut": "time stamps", ', "", 1),
        "line 4: cut should be here",
    ),
    "no reason": (lambda text: text.replace('"removed"', '"bored"', 1), "'bored' is not a valid Reason"),
    "a list": (lambda text: text.replace("\n{", "\n[{", 1), "line 4: "),
    "no seed": (lambda text: text.replace('"seed": 7', '"seed": -7', 1), "line 2: no whole number"),
    "no ASCII": (lambda text: text.replace("Piano", "Piañó", 1), "line 2: it holds what is no ASCII"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_refused_with_its_line(path: Path, damage: str) -> None:
    harm, words = DAMAGE[damage]
    before = path.read_text()
    path.write_text(harm(before), encoding="utf-8")
    assert path.read_text() != before
    began = time.monotonic()
    with pytest.raises(DataMismatch) as refused:
        read_manifest(path)
    assert words in refused.value.what and "set.json" in refused.value.what
    assert time.monotonic() - began < 5


def test_a_manifest_of_all_of_audioset_would_be_read() -> None:
    one = replace(MANIFEST, clips=CLIPS[-1:], left_out=())
    twice = replace(one, clips=(*one.clips, *one.clips))
    record = len(manifest_text(twice)) - len(manifest_text(one))
    assert record > FINGERPRINT_BYTES and 2_084_320 * (record + 200) < document.MOST_BYTES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(at=st.integers(0, 12_000), byte=st.integers(0, 255))
def test_any_byte_may_be_wrong(path: Path, at: int, byte: int) -> None:
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    harmed = path.with_name("harmed.json")
    harmed.write_bytes(content)
    with suppress(DataMismatch):
        read_manifest(harmed)


def test_what_is_no_file_or_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no file"):
        read_manifest(tmp_path / "pipe")
    with pytest.raises(UsageError, match="there is no list"):
        read_manifest(tmp_path / "nowhere")
    (tmp_path / "large.json").write_text("{" * 100)
    monkeypatch.setattr(document, "MOST_BYTES", 99)
    with pytest.raises(DataMismatch, match="100 bytes: more than 99"):
        read_manifest(tmp_path / "large.json")
