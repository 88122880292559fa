"""Plain tars and webdataset, whoever wrote them, and what is left of one that is damaged."""

import io
import json
import random
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.archives.archive import MOST_BYTES, ArchiveError, Entry
from audioset_tools.archives.tars import Tar
from audioset_tools.exceptions import EnvironmentProblem

SOUNDS = {f"eval/Yabcdefghi{n}A.wav": random.Random(n).randbytes(400 + 300 * n) for n in range(6)}


def packed(content: dict[str, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A tar as Python makes it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, sound in content.items():
            archive.addfile(member(name, len(sound)), io.BytesIO(sound))
    return file.getvalue()


def member(name: str, size: int = 0, **fields: Any) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size = size
    for field, value in fields.items():
        setattr(found, field, value)
    return found


def read_all(path: Path) -> dict[str, bytes]:
    archive = Tar(path)
    return {entry.name: archive.read(entry) for entry in archive.index()}


def read_until_error(path: Path) -> tuple[dict[str, bytes], str]:
    """What is read of a damaged tar, and what is said of it."""
    archive, found, error = Tar(path), {}, ""
    entries = archive.index()
    try:
        for entry in entries:
            found[entry.name] = archive.read(entry)
    except ArchiveError as caught:
        error = str(caught)
    return found, error


def plain(content: dict[str, bytes]) -> dict[str, bytes]:
    return {name.rpartition("/")[2]: sound for name, sound in content.items()}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_file_is_found_and_read_whoever_wrote_the_tar(form: int, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(packed(SOUNDS, form))
    assert read_all(tmp_path / "x.tar") == plain(SOUNDS)


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "pax", "posix", "ustar", "v7"])
def test_what_gnu_tar_writes_is_read(form: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, sound in plain(SOUNDS).items():
        (tmp_path / "in" / name).write_bytes(sound)
    (tmp_path / "in" / "link.wav").symlink_to("/etc/passwd")
    (tmp_path / "in" / "hard.wav").hardlink_to(tmp_path / "in" / "Yabcdefghi0A.wav")
    subprocess.run(["tar", f"--format={form}", "--sort=name", "-cf", "x.tar", "in"], cwd=tmp_path, check=True)
    found = read_all(tmp_path / "x.tar")
    assert {name: sound for name, sound in found.items() if name in plain(SOUNDS)} == plain(SOUNDS)
    assert set(found) - set(plain(SOUNDS)) <= {"hard.wav"}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read(form: int, tmp_path: Path) -> None:
    long = {
        f"{'folder ' * 40}/{'é' * 90} [abcdefghi{n}A].wav": sound for n, sound in enumerate(SOUNDS.values())
    }
    (tmp_path / "x.tar").write_bytes(packed(long, form))
    assert read_all(tmp_path / "x.tar") == plain(long)


def webdataset(*samples: tuple[str, dict[str, bytes]]) -> bytes:
    return packed({f"{key}.{suffix}": content for key, parts in samples for suffix, content in parts.items()})


def test_a_sample_of_webdataset_is_named_by_its_json(tmp_path: Path) -> None:
    samples = [
        ("sample-0", {"wav": b"0", "json": json.dumps({"id": "Yabcdefghi0A", "label": [1]}).encode()}),
        ("sample-1", {"json": json.dumps({"video_id": "abcdefghi1A", "start": 30.0}).encode(), "flac": b"1"}),
        (
            "dir/sample-1",
            {
                "wav": b"2",
                "json": json.dumps({"ytid": "abcdefghi2A", "start_time": 30.5, "end_time": 40.5}).encode(),
            },
        ),
        (
            "sample-2",
            {
                "json": json.dumps({"key": "abcdefghi3A_30000", "start": 7}).encode(),
                "16k.wav": b"3",
                "cls": b"1",
            },
        ),
        ("sample-3", {"json": json.dumps({"path": "C:\\x\\Yabcdefghi4A.wav"}).encode(), "m4a": b"4"}),
        ("sample-4", {"wav": b"none"}),
        ("sample-1000", {"wav": b"5", "json": json.dumps({"id": "Yabcdefghi5A"}).encode()}),
        ("Yabcdefghi6A_30_40", {"json": json.dumps({"id": "abcdefghi6A"}).encode(), "wav": b"6"}),
    ]
    (tmp_path / "x.tar").write_bytes(webdataset(*samples))
    found = read_all(tmp_path / "x.tar")
    sounds = {name: content for name, content in found.items() if not name.endswith((".json", ".cls"))}
    assert sounds == {
        "Yabcdefghi0A.wav": b"0",
        "Yabcdefghi1A_30.flac": b"1",
        "Yabcdefghi2A_30.5_40.5.wav": b"2",
        "Yabcdefghi3A_30000.wav": b"3",
        "Yabcdefghi4A.m4a": b"4",
        "sample-4.wav": b"none",
        "Yabcdefghi5A.wav": b"5",
        "Yabcdefghi6A_30_40.wav": b"6",
    }


@pytest.mark.parametrize(
    "said",
    [
        b"", b"no json", b"[1, 2]", b"{" * 60_000, b"[" * 60_000, b'{"id": 5}', b'{"id": "../../etc/passwd"}',
        b'{"id": "' + b"x" * 70_000 + b'"}', b'{"id": "abcdefghijB"}', b'{"id": null, "start": NaN}', b"\xff",
    ],
)  # fmt: skip
def test_json_that_names_no_video_leaves_a_sample_its_name(said: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(webdataset(("sample-0", {"wav": b"0", "json": said})))
    assert "sample-0.wav" in read_all(tmp_path / "x.tar")


@pytest.mark.parametrize("start", ["NaN", "Infinity", "-1", "true", '"30"', "[]", "1e300"])
def test_a_start_that_is_no_time_is_no_start(start: str, tmp_path: Path) -> None:
    said = f'{{"id": "abcdefghi0A", "start": {start}}}'.encode()
    (tmp_path / "x.tar").write_bytes(webdataset(("sample-0", {"wav": b"0", "json": said})))
    assert "Yabcdefghi0A.wav" in read_all(tmp_path / "x.tar")


@pytest.mark.parametrize("cut", [100, 512, 700, 2_000, 4_000])
def test_a_tar_that_is_cut_off_keeps_its_good_files_and_says_so(cut: int, tmp_path: Path) -> None:
    whole = packed(SOUNDS)
    (tmp_path / "x.tar").write_bytes(whole[:cut])
    found, error = read_until_error(tmp_path / "x.tar")
    assert "it is cut off; what stands before is read" in error
    ends = {"Yabcdefghi0A.wav": 1_024, "Yabcdefghi1A.wav": 2_560, "Yabcdefghi2A.wav": 4_096}
    assert set(found) == {name for name, end in ends.items() if end <= cut}
    assert all(plain(SOUNDS)[name] == sound for name, sound in found.items())


def test_a_damaged_header_ends_it_behind_the_good_files(tmp_path: Path) -> None:
    raw = bytearray(packed(SOUNDS))
    raw[2_560 + 5] ^= 1
    (tmp_path / "x.tar").write_bytes(raw)
    found, error = read_until_error(tmp_path / "x.tar")
    assert set(found) == {"Yabcdefghi0A.wav", "Yabcdefghi1A.wav"}
    assert "it is damaged" in error


def test_links_devices_and_folders_are_nothing(tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for number, kind in enumerate((tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)):
            archive.addfile(member(f"Yabcdefghi{number}A.wav", 0, type=kind, linkname="/etc/passwd"))
        archive.addfile(member("Yabcdefghi8A.wav", type=tarfile.DIRTYPE))
        archive.addfile(member("../../Yabcdefghi9A.wav", 5), io.BytesIO(b"sound"))
    (tmp_path / "x.tar").write_bytes(file.getvalue())
    assert read_all(tmp_path / "x.tar") == {"Yabcdefghi9A.wav": b"sound"}


def test_a_file_larger_than_a_recording_can_be_is_not_read(tmp_path: Path) -> None:
    header = member("Yabcdefghi0A.wav", MOST_BYTES + 1).tobuf(tarfile.GNU_FORMAT)
    with (tmp_path / "x.tar").open("wb") as file:
        file.write(header)
        file.truncate(512 * (MOST_BYTES // 512 + 10))
    archive = Tar(tmp_path / "x.tar")
    (entry,) = archive.index()
    with pytest.raises(ArchiveError, match=f"claims {MOST_BYTES + 1:,} bytes"):
        archive.read(entry)


@pytest.mark.parametrize("size", [1 << 40, 1 << 70])
def test_a_name_of_any_size_is_not_read(size: int, tmp_path: Path) -> None:
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        header = member("x", size, type=kind).tobuf(tarfile.GNU_FORMAT)
        with (tmp_path / "x.tar").open("wb") as file:
            file.write(header)
            file.truncate(1 << 41)
        assert read_until_error(tmp_path / "x.tar")[1]


def test_what_is_no_tar_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"x" * 5_000, bytes(100)):
        (tmp_path / "x.tar").write_bytes(content)
        assert read_until_error(tmp_path / "x.tar") != ({}, "")
    with pytest.raises(EnvironmentProblem, match="No such file"):
        list(Tar(tmp_path / "none.tar").index())


def test_a_tar_that_shrinks_under_the_reader_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(packed(SOUNDS))
    entry = next(iter(Tar(tmp_path / "x.tar").index()))
    (tmp_path / "x.tar").write_bytes(b"")
    with pytest.raises(ArchiveError, match=r"^Yabcdefghi0A\.wav is cut off"):
        Tar(tmp_path / "x.tar").read(entry)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_tar_is_an_error_of_ours_or_gives_what_it_says(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    form = data.draw(st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    raw = bytearray(packed({"é" * 70 + "/Yabcdefghi0A.wav": b"sound", **SOUNDS}, form))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("tar") / "x.tar"
    path.write_bytes(raw)
    archive, entries = Tar(path), []
    with suppress(ArchiveError):
        entries.extend(archive.index())
    for entry in entries:
        assert isinstance(entry, Entry)
        assert len(archive.read(entry)) == entry.where[1] <= len(raw)


@given(st.binary(max_size=1_500))
def test_a_header_of_any_bytes_does_no_harm(tmp_path_factory: pytest.TempPathFactory, extra: bytes) -> None:
    """With a right checksum, so that what is behind that check is met."""
    header = bytearray((extra + bytes(512))[:512])
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    path = tmp_path_factory.mktemp("tar") / "x.tar"
    path.write_bytes(bytes(header) + extra + bytes(1_024))
    with suppress(ArchiveError):
        for entry in Tar(path).index():
            Tar(path).read(entry)
