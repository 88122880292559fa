"""`inspect` as a user runs it: shards and clips by any of their names, and the picture of a mel."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from audioset_tools.cli import run
from audioset_tools.installing import install
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.shards.shard import open_shard
from audioset_tools.types import Candidate
from audioset_tools.workspace import Workspace
from tests.factories import DEAD, featurized, make_shards
from tests.shards.small import SEVERAL, write


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with clips, shards and a ledger; not to be changed."""
    return featurized(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def key(workspace: Workspace) -> str:
    """Of a training clip that begins with a dash."""
    return next(
        p.key for p in read_dataset(workspace.dataset) if p.split == "train" and p.key.startswith("-")
    )


def inspected(capsys: pytest.CaptureFixture[str], workspace: Workspace, *words: str) -> dict:
    assert run(["inspect", *words, "--workspace", str(workspace.root), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    assert run(["inspect", *words]) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_a_shard_tells_what_is_inside(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    path = next(workspace.shards.glob("*/train-00000.h5"))
    told = inspected(capsys, workspace, str(path))
    assert (told["split"], told["rows"], told["noise_copies"]) == ("train", 12, 1)
    assert told["classes"] == {"Tone": {"clips": 3, "rows": 6}, "Noise": {"clips": 3, "rows": 6}}
    assert told["bytes"] == path.stat().st_size and told["shape"] == [128, 801]
    assert len(told["mean"]) == len(told["std"]) == 128
    shard = open_shard(path)
    np.testing.assert_allclose(told["mean"], shard.read(0, 12).mean(axis=(0, 2), dtype=float), rtol=1e-6)
    assert told["first_keys"][0] == shard.key[0].decode()


def test_a_row_of_several_classes_counts_for_each(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, tmp_path: Path
) -> None:
    path = write(tmp_path / "several.h5", 6, SEVERAL)
    told = inspected(capsys, workspace, str(path))
    assert told["multi_label"] is True
    assert told["classes"] == {"Piano": {"clips": 3, "rows": 4}, "Drums": {"clips": 1, "rows": 4}}
    assert run(["inspect", str(path)]) == 0
    assert "several (multi-label)" in capsys.readouterr().out


def test_a_clip_of_several_classes_tells_them_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    one = Candidate("-abcdefghiA", 30_000, 40_000, "Flute", 3, 0, "eval", also=("Drums", "Piano"))
    origin = Origin("several", "", "", ("Drums", "Flute", "Piano"), 0, (8, 1, 1), multi_label=True)
    with Ledger(Workspace(tmp_path).ledger) as ledger:
        ledger.load(origin, [one])
    assert run(["inspect", "--workspace", str(tmp_path), "--", one.key]) == 0
    assert "Flute, also Drums, Piano" in capsys.readouterr().out


def test_a_clip_tells_all_that_is_known(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, key: str
) -> None:
    told = inspected(capsys, workspace, key)
    placement = next(p for p in read_dataset(workspace.dataset) if p.key == key)
    assert (told["key"], told["state"], told["split"]) == (key, "accepted", "train")
    assert told["candidate"]["class_name"] == placement.class_name and told["candidate"]["tier"] == 3
    assert told["clip"]["sha256"] == placement.sha256 and told["clip"]["path"] == placement.path
    assert [one["noise"] for one in told["mels"]] == [0, 1]
    (first, copy) = told["mels"]
    shard = open_shard(workspace.root / first["shard"])
    assert shard.key[first["row"]] == key.encode() and copy["row"] == first["row"] + 1
    values = shard.read(first["row"], first["row"] + 1)
    assert (first["low"], first["high"]) == (values.min(), values.max())
    assert first["mean"] == pytest.approx(values.mean(dtype=float))


@pytest.mark.parametrize("order", ["first", "last", "behind --"])
def test_a_key_may_begin_with_a_dash(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, key: str, order: str
) -> None:
    where = ["--workspace", str(workspace.root)]
    words = {"first": [key, *where], "last": [*where, key], "behind --": [*where, "--", key]}[order]
    assert run(["inspect", *words]) == 0
    assert key in capsys.readouterr().out


@pytest.mark.parametrize(
    "form", ["{ytid}", "Y{ytid}", "Y{key}.wav", "/a/clips/Tone/Y{key}.wav", "https://youtu.be/{ytid}?t=30"]
)
def test_a_clip_may_be_named_as_people_name_it(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, key: str, form: str
) -> None:
    assert inspected(capsys, workspace, form.format(key=key, ytid=key[:11]))["key"] == key


def test_of_a_video_with_several_clips_one_must_be_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    two = [Candidate("-abcdefghiA", n, n + 10_000, "Flute", 3, n // 30_000, "eval") for n in (0, 30_000)]
    with Ledger(Workspace(tmp_path).ledger) as ledger:
        ledger.load(Origin("own", "", "", ("Flute",), 0, (8, 1, 1)), two)
    said = refused(capsys, 2, "-abcdefghiA", "--workspace", str(tmp_path))
    assert "2 clips of the video -abcdefghiA" in said
    assert "-abcdefghiA_0, -abcdefghiA_30000" in said
    assert inspected(capsys, Workspace(tmp_path), "-abcdefghiA_30000")["candidate"]["rank"] == 1


def test_a_candidate_without_a_clip(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    told = inspected(capsys, workspace, DEAD)
    assert (told["state"], told["reason"], told["clip"], told["split"]) == ("dead", "removed", None, None)
    assert run(["inspect", DEAD, "--workspace", str(workspace.root)]) == 0
    shown = capsys.readouterr().out
    assert "dead: removed" in shown and "\033" not in shown


def test_shards_alone_tell_of_a_clip(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, key: str, tmp_path: Path
) -> None:
    shutil.copytree(workspace.shards, tmp_path / "shards")
    told = inspected(capsys, Workspace(tmp_path), key)
    assert told["state"] is None and len(told["mels"]) == 2


def test_what_is_neither_is_refused(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, key: str, tmp_path: Path
) -> None:
    where = ["--workspace", str(workspace.root)]
    text = tmp_path / "hello.h5"
    text.write_text("hello")
    assert "is no shard" in refused(capsys, 6, str(text), *where)
    assert "neither a shard nor a clip" in refused(capsys, 2, "nothing.h5", *where)
    assert "neither a shard nor" in refused(capsys, 2, "abc\033[31m", *where)
    assert "no clip abcdefghijA_0 is known" in refused(capsys, 2, "abcdefghijA_0", *where)
    assert "is a folder" in refused(capsys, 2, str(workspace.shards), *where)
    assert len(refused(capsys, 5, "A" * 100_000, *where)) < 500
    assert "no such option" in refused(capsys, 2, "--jsn", *where)
    assert "missing argument" in refused(capsys, 2, *where)
    png = ["--png", str(tmp_path / "x.png")]
    train = next(workspace.shards.glob("*/train-00000.h5"))
    assert "Its rows are 0 to 11" in refused(capsys, 2, str(train), *png, "--row", "12", *where)
    assert "no noise copy 5" in refused(capsys, 2, key, *png, "--noise", "5", *where)
    assert "has no mel: it is dead" in refused(capsys, 2, DEAD, *png, *where)
    for words in ([key, "--row", "1", *png], [str(train), "--noise", "1", *png], [key, "--noise", "1"]):
        assert "goes with" in refused(capsys, 2, *words, *where)
    assert not (tmp_path / "x.png").exists()


def test_a_damaged_mel_is_told_and_not_drawn(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, key: str, tmp_path: Path
) -> None:
    copy = Workspace(Path(shutil.copytree(workspace.root, tmp_path / "w")))
    path = next(copy.shards.glob("*/train-00000.h5"))
    shard = open_shard(path)
    row = shard.key.tolist().index(key.encode())
    content = bytearray(path.read_bytes())
    content[int(shard.offsets[row]) + 9] ^= 1
    path.write_bytes(content)
    next(copy.shards.glob("*/test-00000.h5")).write_bytes(b"")
    told = inspected(capsys, copy, key)
    assert "damaged" in told["mels"][0]["damage"] and told["mels"][1]["damage"] == ""
    assert [Path(name).name for name in told["unreadable"]] == ["test-00000.h5"]
    assert run(["inspect", key, "--workspace", str(copy.root)]) == 0
    assert "damaged" in capsys.readouterr().out
    refused(capsys, 6, key, "--png", str(tmp_path / "x.png"), "--workspace", str(copy.root))
    assert not (tmp_path / "x.png").exists()


def test_of_two_folders_of_shards_one_is_chosen(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, key: str, tmp_path: Path
) -> None:
    copy = Workspace(Path(shutil.copytree(workspace.root, tmp_path / "w")))
    with Ledger(copy.ledger) as ledger:
        make_shards(copy, [clip for _, clip in ledger.clips()], "log")
    where = ["--workspace", str(copy.root)]
    png = ["--png", str(tmp_path / "x.png")]
    assert len(inspected(capsys, copy, key)["mels"]) == 4
    assert "--shards" in refused(capsys, 2, key, *png, *where)
    assert "--shards" in refused(capsys, 6, "test-00000.h5", *where)
    (log,) = copy.shards.glob("log-*")
    assert run(["inspect", key, "--shards", log.name, *png, *where]) == 0
    assert run(["inspect", "test-00000.h5", "--shards", log.name, *where]) == 0


@pytest.mark.parametrize("row", [0, 5])
def test_a_picture_is_the_same_each_time_and_is_of_the_row(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, tmp_path: Path, row: int
) -> None:
    path = next(workspace.shards.glob("*/train-00000.h5"))
    digests = set()
    for name in ("a.png", "b.png"):
        assert run(["inspect", str(path), "--png", str(tmp_path / name), "--row", str(row)]) == 0
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert imread(tmp_path / "a.png")[..., :3].std() > 0.05
    assert b"Software" not in (tmp_path / "a.png").read_bytes()
    shard = open_shard(path)
    key = shard.key[row].decode()
    words = [key, "--png", str(tmp_path / "c.png"), "--noise", str(shard.noise[row])]
    assert run(["inspect", *words, "--workspace", str(workspace.root)]) == 0
    assert (tmp_path / "c.png").read_bytes() == (tmp_path / "a.png").read_bytes()


def test_a_picture_without_matplotlib_says_what_to_install(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("matplotlib", "audioset_tools.plots"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "audioset_tools.inspect.picture", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = refused(capsys, 5, key, "--png", "x.png", "--workspace", str(workspace.root))
    assert "matplotlib" in said and install("train") in said
    assert inspected(capsys, workspace, key)["key"] == key
