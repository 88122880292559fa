"""The same promise from a folder of one's own: exactly N, an honest shortfall, one ledger for all sources."""

import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from offset import offset_ms

from audioset_tools.exceptions import UsageError
from audioset_tools.fetch.run import fetch
from audioset_tools.ledger import Ledger
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.sounds import wanted
from audioset_tools.sources.pace import PaceState
from audioset_tools.types import SAMPLE_RATE
from audioset_tools.workspace import Workspace
from tests.commands.conftest import CLASSES, World, calm, command, contents, fetch_here, run


@pytest.fixture(scope="module")
def copy(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every video of the lists but those of Drums beyond the first four, whole or cut, under mixed names."""
    folder = tmp_path_factory.mktemp("copy")
    plan, drums = calm(world.plan), 0
    for number, (ytid, (class_name, start_ms, end_ms, *_)) in enumerate(plan.table.items()):
        drums += class_name == "Drums"
        if class_name == "Drums" and drums > 4:
            continue
        sound = wanted(plan, ytid)[: (end_ms - start_ms) * SAMPLE_RATE // 1000]
        whole = np.concatenate([np.zeros(start_ms * SAMPLE_RATE // 1000, np.float32), sound])
        forms = {
            f"Y{ytid}_{start_ms}.wav": sound,
            f"{ytid}.flac": whole,
            f"Y{ytid}.wav": sound,
            f"{ytid}_{start_ms // 1000}_{end_ms // 1000}.flac": sound,
        }
        name = list(forms)[number % 4]
        target = folder / f"{number % 3}" / "in" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, forms[name], SAMPLE_RATE)
    return folder


def local_words(world: World, copy: Path, workspace: Path, per_class: int) -> list[str]:
    where = ["--metadata", str(world.lists), "--workspace", str(workspace), "--source", f"local:{copy}"]
    # Who only changes the source need not take the other options away: no proxy is asked.
    return ["fetch", "--per-class", str(per_class), *where, "--proxy", "http://127.0.0.1:9", "--json"]


def take(world: World, copy: Path, workspace: Path, per_class: int) -> None:
    """What `local_words` do, in this process."""
    where = {"metadata": world.lists, "source": f"local:{copy}"}
    assert fetch(Workspace(workspace), per_class=per_class, **where).complete


def test_exactly_n_clips_each_cut_where_it_should_be(world: World, copy: Path, tmp_path: Path) -> None:
    done = run(*local_words(world, copy, tmp_path, 4))
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["requests"] == 0
    assert all(one["verified"] == 4 for one in summary["classes"].values())
    clips = contents(tmp_path)
    assert len(clips) == 16
    for name in clips:
        ytid = Path(name).name[1:12]
        samples, _ = soundfile.read(tmp_path / name)
        assert abs(offset_ms(wanted(calm(world.plan), ytid), samples)) < 0.1
    take(world, copy, tmp_path, 4)
    assert contents(tmp_path) == clips


@pytest.fixture(scope="module")
def archives(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sounds, packed: a fifth each in a zip, a tar, a tar for webdataset, parquet, and as files."""
    folder = tmp_path_factory.mktemp("archives")
    (folder / "in").mkdir()
    rows = []
    with (
        zipfile.ZipFile(folder / "in" / "a.zip", "w", zipfile.ZIP_DEFLATED) as a_zip,
        tarfile.open(folder / "b.tar", "w") as a_tar,
        tarfile.open(folder / "in" / "c.tar", "w") as web,
    ):
        for number, path in enumerate(sorted(copy.rglob("*.*"))):
            if number % 5 == 0:
                a_zip.write(path, f"eval/{path.name}")
            elif number % 5 == 1:
                a_tar.add(path, path.name)
            elif number % 5 == 2:
                web.add(path, f"sample-{number}{path.suffix}")
                said = json.dumps({"id": path.stem}).encode()
                member = tarfile.TarInfo(f"sample-{number}.json")
                member.size = len(said)
                web.addfile(member, io.BytesIO(said))
            elif number % 5 == 3:
                rows.append({"bytes": path.read_bytes(), "path": path.name})
            else:
                (folder / path.name).symlink_to(path)
    table = pa.table({"video_id": [Path(row["path"]).stem for row in rows], "audio": rows})
    pq.write_table(table, folder / "d.parquet", row_group_size=4)
    return folder


def test_archives_give_the_same_clips_as_files(
    world: World, copy: Path, archives: Path, tmp_path: Path
) -> None:
    done = run(*local_words(world, archives, tmp_path / "archives", 4))
    assert done.returncode == 0, done.stderr
    for kind in (".zip", ".tar", ".parquet"):
        assert re.search(rf"archives? \({re.escape(kind)}\) with", done.stderr)
    take(world, copy, tmp_path / "files", 4)
    assert contents(tmp_path / "archives") == contents(tmp_path / "files")
    assert len(contents(tmp_path / "archives")) == 16
    # The second time nothing but the kept indices is read.
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "archives" / "indices").iterdir()}
    assert len(kept) == 4
    take(world, archives, tmp_path / "archives", 4)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_what_the_folder_lacks_is_a_shortfall_at_once(world: World, copy: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "copy"
    damaged.mkdir()
    for number, file in enumerate(sorted(copy.rglob("*.*"))):
        if number < 4:
            (damaged / file.name).write_bytes(file.read_bytes()[:20])
        else:
            (damaged / file.name).hardlink_to(file)
    begun = time.monotonic()
    done = run(*local_words(world, damaged, tmp_path / "w", 16))
    assert done.returncode == 3
    # The wait before the second try of a passing failure is 30 s.
    assert time.monotonic() - begun < 25
    assert "Drums lacks" in done.stderr
    dead = {
        name: {reason: n for reason, n in one["dead"].items() if n}
        for name, one in json.loads(done.stdout)["classes"].items()
    }
    assert dead["Drums"]["not-in-source"] >= 12
    assert sum(one.get("damaged-file", 0) for one in dead.values()) == 4


def test_youtube_continues_where_the_folder_ended(
    world: World, copy: Path, serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    take(world, copy, tmp_path, 3)
    taken = contents(tmp_path)
    assert fetch_here(world, serve(calm(world.plan)), tmp_path).complete
    assert contents(tmp_path).items() > taken.items()
    assert len(contents(tmp_path)) == 6 * len(CLASSES)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        sources = [source.split()[0] for (source,) in db.execute("SELECT source FROM clip")]
    db.close()
    assert (sources.count("local"), sources.count("youtube")) == (12, 12)


def test_a_mixed_run_takes_the_first_n_of_the_union(
    world: World, copy: Path, serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    """A folder, another one, and YouTube, each of which lacks some: as if one source had them all."""
    simulator = serve(calm(world.plan))
    alone = tmp_path / "alone"
    assert fetch_here(world, simulator, alone).complete
    halves = [tmp_path / "a", tmp_path / "b"]
    for number, file in enumerate(sorted(file for file in copy.rglob("*") if file.is_file())):
        if number % 3 < 2:
            halves[number % 3].mkdir(exist_ok=True)
            (halves[number % 3] / file.name).hardlink_to(file)
    before = simulator.counts()["requests"]["player"]
    mixed = tmp_path / "mixed"
    sources = [f"local:{halves[0]}", f"local:{halves[1]}", "youtube"]
    assert fetch_here(world, simulator, mixed, source=sources).complete
    assert contents(mixed).keys() == contents(alone).keys()
    status = json.loads(run("status", "--workspace", str(mixed), "--json").stdout)
    counts = [one["sources"] for one in status["classes"].values()]
    assert sum(sum(one.values()) for one in counts) == 6 * len(CLASSES)
    from_youtube = sum(one.get("youtube", 0) for one in counts)
    assert 0 < from_youtube < 6 * len(CLASSES)
    # One to see that YouTube answers at all, and one a clip.
    assert simulator.counts()["requests"]["player"] - before <= from_youtube + 3
    assert "Where the clips came from" in run("status", "--workspace", str(mixed)).stdout


def test_a_pause_of_youtube_neither_stops_a_folder_nor_is_lost(
    world: World, copy: Path, tmp_path: Path
) -> None:
    take(world, copy, tmp_path, 1)
    pause = json.dumps(asdict(PaceState(rate=100, paused_at=1, paused_until=time.time() + 1e6, locked=3)))
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.put("pace", pause)
    take(world, copy, tmp_path, 3)
    with Ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        assert ledger.get("pace") == pause


def test_a_ctrl_c_at_the_terminal_blames_no_file(world: World, copy: Path, tmp_path: Path) -> None:
    words = command(*local_words(world, copy, tmp_path, 4))
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.rglob("Y*.wav"))) < 3:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.005)
        # As a terminal does: to the whole group.
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode in (0, 130)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        blamed = db.execute("SELECT count(*) FROM event WHERE reason NOT IN ('', 'not-in-source')")
        assert blamed.fetchone() == (0,)
    db.close()
    take(world, copy, tmp_path, 4)


def test_a_dry_run_says_what_is_there_and_decodes_nothing(world: World, copy: Path, tmp_path: Path) -> None:
    done = run(*local_words(world, copy, tmp_path, 4), "--dry-run")
    assert done.returncode == 0
    files = len([file for file in copy.rglob("*") if file.is_file()])
    assert f"{files} files of {files} videos" in done.stderr
    told = json.loads(done.stdout)
    assert told["requests_an_hour"] is None and told["parts"]["Flute"]["lacking"] == 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("source", ["local:/no/such/folder", "locally", "local:"])
def test_a_source_that_makes_no_sense(source: str, world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        fetch(Workspace(tmp_path / "w"), source=source, metadata=world.lists)
    assert "local:DIR" in caught.value.remedy
    assert not (tmp_path / "w").exists()
