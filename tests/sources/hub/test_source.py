"""A mirror as a source: what opening it takes, what a clip is, and what is the matter with whom."""

import io
import json
import os
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from offset import offset_ms

from audioset_tools.audio.ffmpeg import Media
from audioset_tools.audio.segment import decode_segment
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem, Paused, UsageError
from audioset_tools.simulator.hub import HubPlan, HubRefusal, HubSimulator
from audioset_tools.simulator.hub.mirror import cut, write_zip
from audioset_tools.simulator.hub.server import COMMIT, REPO
from audioset_tools.simulator.sounds import wanted
from audioset_tools.sources.hub import source as module
from audioset_tools.sources.hub.source import POLICY, Hub, HubOptions, open_hub
from audioset_tools.sources.pace import Pace, Stopped
from audioset_tools.sources.source import FetchError
from audioset_tools.types import Progress, Reason
from tests.factories import candidate
from tests.sources.hearing import hear
from tests.sources.hub.conftest import PLAN, TABLE, Serve

FIRST = "0000000000A"

Opener = Callable[..., Hub]


@pytest.fixture
def open_one(tmp_path: Path) -> Iterator[Opener]:
    """Opens the mirror of a Hub; what is kept of it is in `tmp_path / "mirrors"`."""
    with ExitStack() as stack:

        def make(
            hub: HubSimulator,
            revision: str = "",
            on_progress: Callable[[Progress], object] = lambda progress: None,
            **options: Any,
        ) -> Hub:
            text = f"hf:{hub.repo}" + (f"@{revision}" if revision else "")
            stop = options.pop("stop", threading.Event())
            pace = Pace(POLICY, wait=options.pop("wait", stop.wait))
            given = HubOptions(pace, stop, endpoint=hub.address, **options)
            source = open_hub(text, tmp_path / "mirrors", given, on_progress)
            stack.callback(source.close)
            return source

        yield make


def wav(seconds: float, rate: int = 32_000) -> bytes:
    """Noise of its own."""
    content = io.BytesIO()
    noise = np.random.default_rng(int(seconds * 10)).uniform(-0.5, 0.5, int(seconds * rate))
    soundfile.write(content, noise, rate, subtype="PCM_16", format="WAV")
    return content.getvalue()


def test_a_clip_is_the_segments_sound_and_one_request(mirror: Path, hub_of: Serve, open_one: Opener) -> None:
    hub = hub_of(mirror)
    source = open_one(hub)
    before = hub.counts()
    for ytid in list(TABLE)[:4]:
        sound, _ = hear(source, candidate(ytid))
        assert abs(offset_ms(sound.samples, wanted(PLAN, ytid))) < 1
    after = hub.counts()
    assert after["requests"]["part"] - before["requests"]["part"] == 4
    assert after["requests"]["resolve"] == before["requests"]["resolve"] == 4
    packed = sum(
        one.compress_size for path in mirror.rglob("*.zip") for one in zipfile.ZipFile(path).infolist()[:2]
        if one.filename[1:12] in list(TABLE)[:4]
    )  # fmt: skip
    assert packed < after["bytes"] - before["bytes"] < packed + 4 * 100
    assert source.pace.requests == sum(after["requests"].values())


def test_its_origin_says_mirror_commit_zip_and_member(mirror: Path, hub_of: Serve, open_one: Opener) -> None:
    excerpt = open_one(hub_of(mirror)).open(candidate(FIRST))
    zip_name = "balanced/balanced_train_segments_full.zip"
    assert excerpt.origin == f"hf {REPO}@{COMMIT[:12]} {zip_name} Y{FIRST}.wav"
    assert excerpt.media.content == cut(PLAN, FIRST)


def test_opening_reads_directories_once_and_then_asks_for_nothing(
    mirror: Path, hub_of: Serve, open_one: Opener
) -> None:
    seen: list[Progress] = []
    hub = hub_of(mirror)
    first = open_one(hub, on_progress=seen.append)
    counts = hub.counts()
    assert counts["requests"] == {"info": 1, "tree": 1, "resolve": 4, "part": 8, "other": 0}
    assert counts["bytes"] < 4 * 70_000
    assert [str(one) for one in seen[-2:]] == [
        "4 of 4 directories read",
        f"hf:{REPO}: 16 recordings of 16 videos",
    ]
    second = open_one(hub)
    assert hub.counts() == counts
    assert sorted(second.videos()) == sorted(first.videos()) == sorted(TABLE)
    assert second.open(candidate(FIRST)).origin == first.open(candidate(FIRST)).origin


def test_it_knows_what_it_holds(mirror: Path, hub_of: Serve, open_one: Opener) -> None:
    source = open_one(hub_of(mirror))
    assert (source.name, source.known_alive) == ("hf", None)
    assert source.holds(candidate(FIRST))
    assert not source.holds(candidate("0000009999A"))
    with pytest.raises(FetchError) as caught:
        source.open(candidate("0000009999A"))
    assert caught.value.reason is Reason.NOT_IN_SOURCE


def test_an_opening_that_was_interrupted_goes_on_where_it_was(
    mirror: Path, hub_of: Serve, open_one: Opener, tmp_path: Path
) -> None:
    hub = hub_of(mirror)
    open_one(hub)
    lost = sorted((tmp_path / "mirrors").rglob("*.listing"))[0]
    lost.unlink()
    half_written = lost.with_name(f".{lost.name}.7.part")
    half_written.write_bytes(b"half of it")
    os.utime(half_written, (0, 0))
    before = hub.counts()["requests"]["part"]
    open_one(hub)
    assert hub.counts()["requests"]["part"] == before + 2
    assert lost.exists() and not half_written.exists()


def test_the_commit_stays_when_the_branch_moves_on(mirror: Path, hub_of: Serve, open_one: Opener) -> None:
    assert open_one(hub_of(mirror)).pinned.commit == COMMIT
    moved = hub_of(mirror, commit="e" * 40)
    source = open_one(moved)
    assert source.pinned.commit == COMMIT
    assert moved.counts()["requests"]["info"] == 0
    assert open_one(moved, COMMIT[:9]).pinned.commit == COMMIT


def test_a_branch_that_was_named_stays_where_it_was(mirror: Path, hub_of: Serve, open_one: Opener) -> None:
    open_one(hub_of(mirror), "main")
    moved = hub_of(mirror, commit="e" * 40)
    assert open_one(moved, "main").pinned.commit == COMMIT
    assert moved.counts()["requests"]["info"] == 0


def test_another_revision_than_that_of_the_workspace_is_a_question(
    mirror: Path, hub_of: Serve, open_one: Opener
) -> None:
    branches = (("v1", "1" * 40), ("same", COMMIT))
    hub = hub_of(mirror, HubPlan(branches=branches))
    open_one(hub)
    assert open_one(hub, "same").pinned.commit == COMMIT
    for other in ("v1", "1" * 40):
        with pytest.raises(UsageError, match=f"reads {REPO}@{COMMIT[:12]}, and .* is another commit, 1111"):
            open_one(hub, other)


@pytest.mark.parametrize("told", ["RateLimit", "Retry-After"])
def test_a_refusal_while_opening_is_waited_for(
    mirror: Path, hub_of: Serve, open_one: Opener, told: str
) -> None:
    seen: list[Progress] = []
    refusals = (HubRefusal(2, 1.5, told), HubRefusal(2, 0.5, told, of_storage=True))
    hub = hub_of(mirror, HubPlan(refusals=refusals, chance_503=0.1))
    open_one(hub, on_progress=seen.append)
    assert any(re.search(r"429 from the Hub; waiting [12] s", str(one)) for one in seen)


def test_a_refusal_longer_than_the_user_waits_ends_it_and_is_remembered(
    mirror: Path, hub_of: Serve, tmp_path: Path
) -> None:
    hub = hub_of(mirror, HubPlan(refusals=(HubRefusal(1, 500),)))
    pace = Pace(POLICY)
    with pytest.raises(Paused, match="429 from the Hub"):
        open_hub(f"hf:{REPO}", tmp_path, HubOptions(pace, threading.Event(), 60, hub.address))
    assert json.loads(pace.to_json())["paused_until"] > time.time() + 400


def test_who_waits_while_another_gives_up_waits_no_longer(
    mirror: Path, hub_of: Serve, open_one: Opener
) -> None:
    refusal = HubRefusal(3, 5_000, "Retry-After", of_storage=True)
    began = time.monotonic()
    with pytest.raises(Paused, match="429 from the storage"):
        open_one(hub_of(mirror, HubPlan(refusals=(refusal,), latency_s=0.05)), max_wait=60)
    assert time.monotonic() - began < 10


def test_a_hub_that_is_away_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 5)
    with pytest.raises(EnvironmentProblem, match="cannot be read: the Hub: ConnectError"):
        options = HubOptions(Pace(POLICY), threading.Event(), endpoint="http://127.0.0.1:9")
        open_hub(f"hf:{REPO}", tmp_path, options)


def test_a_storage_that_breaks_all_parts_is_given_up(mirror: Path, hub_of: Serve, open_one: Opener) -> None:
    with pytest.raises(EnvironmentProblem, match="HTTP 200 '' in place of bytes"):
        open_one(hub_of(mirror, HubPlan(odd="ignored")), max_wait=2.0)


def test_opening_ends_with_the_run(mirror: Path, hub_of: Serve, open_one: Opener) -> None:
    stop = threading.Event()
    hub = hub_of(mirror, HubPlan(refusals=(HubRefusal(3, 500, of_storage=True),)))
    threading.Timer(1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        open_one(hub, stop=stop)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"data/a.parquet": b"x", "data/b.parquet": b"x", "README.md": b""}, "has no zip; it has 2 .parquet"),
        ({"full.z01": b"x", "full.z02": b"x", "full.zip": b"x"}, "are split into volumes"),
        ({"a.tar": b"x"}, "has no zip; it has 1 .tar"),
        ({}, "has no zip; it has no file"),
    ],
)
def test_what_is_no_mirror_of_zips_is_to_be_downloaded(
    hub_of: Serve, open_one: Opener, tmp_path: Path, files: dict[str, bytes], words: str
) -> None:
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"{words}(.|\n)*hf download {REPO} .*local:DIR"):
        open_one(hub_of(tmp_path / "data"))


def test_odd_names_of_files_are_passed_over(mirror: Path, hub_of: Serve, open_one: Opener) -> None:
    lfs = {"oid": "0" * 64, "size": 5, "pointerSize": 1}
    names = ("../x.zip", "/etc/x.zip", "a/../../x.zip", "a\n.zip", "./x.zip", "x" * 600 + ".zip", "a//b.zip")
    odd = tuple({"type": "file", "oid": "0" * 40, "size": 5, "path": name, "lfs": lfs} for name in names)
    hub = hub_of(mirror, HubPlan(more=odd))
    assert len(open_one(hub).zips) == 4
    assert hub.counts()["requests"]["resolve"] == 4


def test_zips_that_cannot_be_read_are_named_and_the_others_serve(
    hub_of: Serve, open_one: Opener, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    write_zip(folder / "b.zip", {f"Y{FIRST}.wav": wav(10)})
    (folder / "a.zip").write_bytes(b"no zip" * 50)
    (folder / "c.zip").write_bytes((folder / "b.zip").read_bytes()[:-4])
    seen: list[Progress] = []
    source = open_one(hub_of(folder), on_progress=seen.append)
    assert len(source.zips) == 1
    texts = [str(one) for one in seen]
    assert any(text.startswith("a.zip is passed over: it is no zip") for text in texts)
    assert any(text.startswith("c.zip is passed over: it is no zip") for text in texts)


def test_a_mirror_without_a_name_that_is_understood_says_what_there_is(
    hub_of: Serve, open_one: Opener, tmp_path: Path
) -> None:
    write_zip(tmp_path / "f" / "a.zip", {"one.wav": b"", "two\x1b.wav": b"", "x.json": b""})
    with pytest.raises(UsageError) as caught:
        open_one(hub_of(tmp_path / "f"))
    assert "named after a video; 2 more whose names say of no video, such as one.wav, two" in str(
        caught.value
    )
    assert "\x1b" not in str(caught.value)


def test_a_flood_of_names_is_refused(
    mirror: Path, hub_of: Serve, open_one: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MEMBERS", 10)
    with pytest.raises(UsageError, match="files and more"):
        open_one(hub_of(mirror))


def test_duplicates_are_read_from_the_first_zip_whose_copy_is_good(
    hub_of: Serve, open_one: Opener, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    write_zip(folder / "a.zip", {f"Y{FIRST}.wav": b"this is no sound"})
    write_zip(folder / "b.zip", {f"Y{FIRST}.wav": wav(10)})
    write_zip(folder / "c.zip", {f"Y{FIRST}.wav": wav(10.1)})
    source = open_one(hub_of(folder))
    assert source.open(candidate(FIRST)).origin.endswith(f"a.zip Y{FIRST}.wav")
    sound, excerpt = hear(source, candidate(FIRST))
    assert excerpt.origin.endswith(f"b.zip Y{FIRST}.wav")
    assert np.array_equal(sound.samples, decode_segment(Media(wav(10)), 0, 10_000).samples)


def test_whole_videos_and_named_segments_are_read_as_from_a_folder(
    hub_of: Serve, open_one: Opener, tmp_path: Path
) -> None:
    write_zip(
        tmp_path / "f" / "a.zip",
        {
            "whole/Y0000000000A.wav": wav(60),
            "0000000001A_30_40.flac.wav": wav(10),
            "0000000002A_90.wav": wav(10),
        },
    )
    source = open_one(hub_of(tmp_path / "f"))
    whole, excerpt = hear(source, candidate("0000000000A"))
    assert excerpt.origin.endswith(" a.zip whole/Y0000000000A.wav")
    assert np.array_equal(whole.samples, decode_segment(Media(wav(60)), 30_000, 40_000).samples)
    hear(source, candidate("0000000001A"))
    with pytest.raises(FetchError, match="begins elsewhere") as caught:
        source.open(candidate("0000000002A"))
    assert caught.value.reason is Reason.NOT_IN_SOURCE


@pytest.mark.parametrize("how", ["damaged", "encrypted", "bomb"])
def test_a_member_that_is_not_what_its_directory_says_is_damaged(
    hub_of: Serve, open_one: Opener, tmp_path: Path, how: str
) -> None:
    path = tmp_path / "f" / "a.zip"
    write_zip(path, {f"Y{FIRST}.wav": wav(10)})
    content = bytearray(path.read_bytes())
    record = content.index(b"PK\1\2")
    if how == "damaged":
        content[1_000] ^= 1
    elif how == "encrypted":
        content[record + 8] |= 1
    else:
        content[record + 24 : record + 28] = (0xF0000000).to_bytes(4, "little")
    path.write_bytes(content)
    hub = hub_of(tmp_path / "f")
    with pytest.raises(FetchError) as caught:
        open_one(hub).open(candidate(FIRST))
    assert caught.value.reason is Reason.DAMAGED_FILE
    # What cannot be unpacked is not asked for.
    assert hub.counts()["requests"]["part"] == 2 + (how == "damaged")


def test_a_mirror_that_changes_or_is_taken_down_ends_the_run(
    mirror: Path, hub_of: Serve, open_one: Opener
) -> None:
    open_one(hub_of(mirror))
    with pytest.raises(DataMismatch, match="has changed under its commit"):
        open_one(hub_of(mirror, HubPlan(changes_at=1))).open(candidate(FIRST))
    with pytest.raises(EnvironmentProblem, match="taken down"):
        open_one(hub_of(mirror, HubPlan(gate="gone"))).open(candidate(FIRST))
    with pytest.raises(EnvironmentProblem, match="is gated"):
        open_one(hub_of(mirror, HubPlan(gate="gated"))).open(candidate(FIRST))


def test_a_mirror_taken_down_in_the_first_run_was_there(
    mirror: Path, hub_of: Serve, open_one: Opener
) -> None:
    source = open_one(hub_of(mirror, HubPlan(gone_at=7, link_uses=2)))
    with pytest.raises(EnvironmentProblem, match="taken down"):
        source.open(candidate(FIRST))


def test_a_disk_that_takes_nothing_is_the_machines_trouble(
    mirror: Path, hub_of: Serve, open_one: Opener, tmp_path: Path
) -> None:
    (tmp_path / "mirrors").write_text("no folder")
    with pytest.raises(EnvironmentProblem, match="cannot be written to"):
        open_one(hub_of(mirror))


def test_a_members_name_may_be_long_and_is_cut_for_the_record(
    hub_of: Serve, open_one: Opener, tmp_path: Path
) -> None:
    write_zip(tmp_path / "f" / "a.zip", {f"{'folder/' * 5_000}Y{FIRST}.wav": wav(10)})
    _, excerpt = hear(open_one(hub_of(tmp_path / "f")), candidate(FIRST))
    assert len(excerpt.origin) < 400 and excerpt.origin.endswith(f"folder/Y{FIRST}.wav")
