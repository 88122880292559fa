"""Kaldi's folders are sorted as its tools want them, and lhotse reads them."""

from dataclasses import replace
from pathlib import Path

from audioset_tools.audio.clip import read_clip
from audioset_tools.export.examples import read_exported
from audioset_tools.export.kaldi import plan
from audioset_tools.export.run import export
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace

TABLES = ("wav.scp", "text", "utt2spk", "spk2utt", "reco2dur")


def table(path: Path) -> list[list[str]]:
    return [line.split(" ", 1) for line in path.read_text().splitlines()]


def test_tables_are_sorted_as_bytes_and_name_the_same_clips(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a b"
    done = export(exportable, "kaldi", out, metadata=labels)
    for split, count in done.clips.items():
        tables = {name: table(out / split / name) for name in TABLES}
        for rows in tables.values():
            names = [row[0].encode() for row in rows]
            assert names == sorted(names) and len(names) == count
        placed = {f"Y{one.key}": one for one in read_dataset(exportable.dataset) if one.split == split}
        speakers = dict(tables["utt2spk"])
        assert placed.keys() == speakers.keys() == dict(tables["wav.scp"]).keys()
        assert all(name.startswith(f"{speaker}_") for name, speaker in speakers.items())
        assert dict(tables["text"]) == {name: one.class_name for name, one in placed.items()}
        for name, path in tables["wav.scp"]:
            assert len(read_clip(Path(path), placed[name].sha256)) == 160_000
    assert (out / "words.txt").read_text() == "Tone 0\nNoise 1\n"


def test_two_clips_of_one_video_are_of_one_speaker(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    data = read_exported(exportable, "classes", labels)
    first, second, *_ = data.examples
    twin = replace(second, ytid=first.ytid, key=f"{first.ytid}_9")
    parts = {part.name: part for part in plan(replace(data, examples=(first, twin))).parts}
    parts["train/spk2utt"].make(tmp_path / "spk2utt")
    names = sorted((f"Y{first.key}", f"Y{twin.key}"))
    assert (tmp_path / "spk2utt").read_text() == f"Y{first.ytid} {names[0]} {names[1]}\n"


def test_a_class_is_one_word(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    data = read_exported(exportable, "classes", labels)
    for names, wanted in (
        (("Electric  guitar", "Flute"), "Electric_guitar 0\nFlute 1\n"),
        (("A b", "A_b"), "0_A_b 0\n1_A_b 1\n"),
    ):
        plan(replace(data, target_names=names)).parts[0].make(tmp_path / "words.txt")
        assert (tmp_path / "words.txt").read_text() == wanted


def test_labels_are_their_mids(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    export(exportable, "kaldi", tmp_path / "out", targets="mids", metadata=labels)
    assert {words for _, words in table(tmp_path / "out" / "train" / "text")} == {"/m/04rlf"}


def test_lhotse_reads_it(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    from lhotse import kaldi

    done = export(exportable, "kaldi", tmp_path / "a b", metadata=labels)
    placed = {f"Y{one.key}": one for one in read_dataset(exportable.dataset)}
    for split, count in done.clips.items():
        recordings, supervisions, _ = kaldi.load_kaldi_data_dir(tmp_path / "a b" / split, 16_000)
        assert len(recordings) == len(supervisions) == count
        for one in supervisions:
            assert (one.text, one.duration) == (placed[one.id].class_name, 10.0)
            assert one.speaker == one.id[:12]
            sound = recordings[one.recording_id].load_audio()
            wanted = read_clip(exportable.root / placed[one.id].path, placed[one.id].sha256)
            assert sound.shape == (1, 160_000) and (sound[0] == wanted).all()
