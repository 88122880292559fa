"""Zips: whole ones, split ones, and what strangers may make of them."""

import io
import random
import re
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.archives import zips
from audioset_tools.archives.archive import MOST_BYTES, ArchiveError, Entry
from audioset_tools.archives.zips import Zip, count_volumes, read_directory, unpack

SOUNDS = {f"unbalanced/Yabcdefghi{n}A.wav": random.Random(n).randbytes(3_000 + n) for n in range(6)}


def packed(content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip as Python makes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, sound in content.items():
            archive.writestr(name, sound)
    return file.getvalue()


def read_all(raw: bytes) -> dict[str, bytes]:
    """What our reader finds in a zip; counts the reads."""
    directory = read_directory(lambda offset, length: raw[offset : offset + length], len(raw))
    found = {}
    for _, member in directory.members():
        offset, length = member.span
        found[member.name] = unpack(member, raw[offset : offset + length])
    return found


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as caught:
        read()
    return str(caught.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_file_of_a_zip_is_found_and_read(method: int) -> None:
    assert read_all(packed(SOUNDS, method)) == SOUNDS


def test_a_member_is_read_at_once_and_no_further_than_the_next() -> None:
    raw = packed(SOUNDS)
    reads: list[tuple[int, int]] = []

    def read_at(offset: int, length: int) -> bytes:
        reads.append((offset, length))
        return raw[offset : offset + length]

    directory = read_directory(read_at, len(raw))
    assert len(reads) == 2
    spans = [member.span for _, member in directory.members()]
    assert [offset + length for offset, length in spans] == [
        *(offset for offset, _ in spans[1:]),
        directory.offset,
    ]


def test_sizes_that_stand_behind_a_member_are_not_needed() -> None:
    """A zip that was written to a pipe has zeros in its headers."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, piece: object) -> int:
            self.written += bytes(piece)
            return len(bytes(piece))

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, sound in SOUNDS.items():
            archive.writestr(name, sound)
    assert read_all(bytes(pipe.written)) == SOUNDS


def test_zip64_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    raw = packed(SOUNDS)
    assert b"PK\x06\x06" in raw
    assert read_all(raw) == SOUNDS


def test_more_members_than_a_short_count_can_tell_are_read() -> None:
    """As some programs write them: without zip64, and with the last 16 bits of the count."""
    raw = packed({"Ya.wav": b"sound"})
    begins, ends = raw.index(b"PK\1\2"), raw.index(b"PK\5\6")
    records = raw[begins:ends] * 65_540
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 4, 4, len(records), begins, 0)
    whole = raw[:begins] + records + end
    directory = read_directory(lambda offset, length: whole[offset : offset + length], len(whole))
    assert sum(1 for _ in directory.members()) == 65_540


def test_a_comment_and_names_of_any_bytes_do_no_harm() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = b"PK\5\6 is what an end begins with" * 50
        for name in ("Grüße/Ya.wav", "\x1b[2J", "../../etc/passwd", "/root/x", "a\\b.wav"):
            archive.writestr(name, b"x")
    assert set(read_all(file.getvalue())) == {
        "Grüße/Ya.wav",
        "\x1b[2J",
        "../../etc/passwd",
        "/root/x",
        "a\\b.wav",
    }


def test_folders_and_links_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.wav").symlink_to("/etc/passwd")
    (tmp_path / "in" / "Ya.wav").write_bytes(b"sound")
    subprocess.run(["zip", "-q", "-y", "-r", "x.zip", "in"], cwd=tmp_path, check=True)
    assert read_all((tmp_path / "x.zip").read_bytes()) == {"in/Ya.wav": b"sound"}


def test_the_entries_of_a_file_are_named_without_their_folders(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(packed(SOUNDS))
    archive = Zip(tmp_path / "x.zip")
    assert {entry.name: archive.read(entry) for entry in archive.index()} == {
        name.removeprefix("unbalanced/"): sound for name, sound in SOUNDS.items()
    }


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A split archive of Info-ZIP: volumes of 64 KiB; larger and smaller files lie across the edges."""
    if shutil.which("zip") is None:
        pytest.skip("there is no `zip` to make a split archive with")
    folder = tmp_path_factory.mktemp("split")
    sounds = {f"Yabcdefgh{n:02}A.wav": random.Random(n).randbytes(1_000 + 7_000 * n) for n in range(24)}
    for name, sound in sounds.items():
        (folder / name).write_bytes(sound)
    subprocess.run(["zip", "-q", "-0", "-s", "64k", "x.zip", *sounds], cwd=folder, check=True)
    assert (folder / "x.z25").exists()
    return folder, sounds


def test_a_split_archive_is_read_across_its_volumes(split: tuple[Path, dict[str, bytes]]) -> None:
    folder, sounds = split
    archive = Zip(folder / "x.zip")
    assert {entry.name: archive.read(entry) for entry in archive.index()} == sounds
    # What this is for: zipfile lists them, and fails to read most.
    with zipfile.ZipFile(folder / "x.zip") as naive:
        assert set(naive.namelist()) == set(sounds)
        assert sum(not readable(naive, name) for name in sounds) > 12


def readable(archive: zipfile.ZipFile, name: str) -> bool:
    try:
        archive.read(name)
    except (zipfile.BadZipFile, OSError):
        return False
    return True


def test_a_volume_that_is_missing_is_named(split: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    folder, _ = split
    for path in folder.glob("x.z*"):
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "x.z07").unlink()
    assert re.search(
        r"it is the last of \d+ volumes, and x\.z07 is not there\nGet all volumes",
        refusal(lambda: list(Zip(tmp_path / "x.zip").index())),
    )
    (tmp_path / "x.z09").unlink()
    assert "x.z07 is not there, nor are 1 others" in refusal(lambda: list(Zip(tmp_path / "x.zip").index()))


def test_a_volume_in_anothers_place_is_noticed(split: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    folder, sounds = split
    for path in folder.glob("x.z*"):
        shutil.copy(path, tmp_path)
    shutil.copy(tmp_path / "x.z03", tmp_path / "x.z02")
    archive = Zip(tmp_path / "x.zip")
    good, bad = set(), set()
    for entry in archive.index():
        try:
            assert archive.read(entry) == sounds[entry.name]
            good.add(entry.name)
        except ArchiveError:
            bad.add(entry.name)
    assert good and bad


def test_the_number_of_volumes_is_told_by_the_last(split: tuple[Path, dict[str, bytes]]) -> None:
    folder, _ = split
    raw = (folder / "x.zip").read_bytes()

    def read_at(offset: int, length: int) -> bytes:
        return raw[offset : offset + length]

    assert count_volumes(read_at, len(raw)) == len(list(folder.glob("x.z*")))
    assert "volumes, and 1 are here" in refusal(lambda: read_directory(read_at, len(raw)))


@pytest.mark.parametrize("kept", [0, 10, 1_000, 18_500, -1])
def test_a_zip_that_is_cut_off_is_no_zip(kept: int) -> None:
    raw = packed(SOUNDS)[:kept]
    assert "its end is missing" in refusal(lambda: read_all(raw))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Ya.wav").write_bytes(b"sound")
    subprocess.run(["zip", "-q", "-P", "secret", "x.zip", "Ya.wav"], cwd=tmp_path, check=True)
    archive = Zip(tmp_path / "x.zip")
    (entry,) = archive.index()
    assert re.search(r"^Ya\.wav is encrypted\nUnpack", refusal(lambda: archive.read(entry)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_way_of_packing_is_refused(method: int) -> None:
    assert f"method {method}" in refusal(lambda: read_all(packed(SOUNDS, method)))


@pytest.mark.parametrize("name", SOUNDS)
def test_a_flipped_bit_in_a_sound_is_noticed(name: str) -> None:
    raw = bytearray(packed(SOUNDS))
    raw[raw.index(SOUNDS[name]) + 1_500] ^= 4
    assert f"{name} is damaged" in refusal(lambda: read_all(bytes(raw)))


def change_record(raw: bytes, at: int, form: str, *values: int) -> bytes:
    """A zip whose first record says something else."""
    changed = bytearray(raw)
    struct.pack_into(form, changed, raw.index(b"PK\1\2") + at, *values)
    return bytes(changed)


def test_a_directory_that_lies_is_refused() -> None:
    raw = packed(SOUNDS, zipfile.ZIP_DEFLATED)
    second = raw.index(b"PK\3\4", 4)
    lies = {
        "another file where the directory has": change_record(raw, 42, "<I", second),
        "where the directory says": change_record(raw, 42, "<I", 5),
        "a place that is not in it": change_record(raw, 42, "<I", len(raw)),
        "A.wav is damaged": change_record(raw, 24, "<I", 5),
        "is cut off": change_record(raw, 20, "<I", 90_000),
        "its directory is damaged": change_record(raw, 28, "<H", 65_535),
        "its directory has 6 of 9 members": raw[:-12] + struct.pack("<H", 9) + raw[-10:],
        "not where it should be": raw[:-6] + struct.pack("<I", len(raw)) + raw[-2:],
    }
    for words, lie in lies.items():
        assert words in refusal(lambda lie=lie: read_all(lie)), words


def test_what_claims_more_than_a_recording_can_be_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(change_record(packed(SOUNDS), 24, "<I", MOST_BYTES + 1))
    archive = Zip(tmp_path / "x.zip")
    entry = next(iter(archive.index()))
    assert f"claims {MOST_BYTES + 1:,} bytes" in refusal(lambda: archive.read(entry))


def test_a_bomb_unpacks_to_no_more_than_it_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = change_record(packed({"Ya.wav": bytes(50 << 20)}, zipfile.ZIP_DEFLATED), 24, "<I", 1_000)
    lengths = []
    whole = zlib.decompressobj

    class Watched:
        def __init__(self, bits: int) -> None:
            self._inner = whole(bits)

        def decompress(self, content: bytes, most: int) -> bytes:
            lengths.append(most)
            return self._inner.decompress(content, most)

    monkeypatch.setattr(zips.zlib, "decompressobj", Watched)
    assert "Ya.wav is damaged" in refusal(lambda: read_all(raw))
    assert lengths == [1_001]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_zip_is_an_error_of_ours_or_gives_what_was_in_it(data: st.DataObject) -> None:
    method = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    whole = packed(SOUNDS, method)
    raw = bytearray(whole)
    # Most of a zip is sound; what is worth hitting is the rest.
    edges = [0, raw.index(b"PK\1\2"), raw.rindex(b"PK\5\6")]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.sampled_from(edges)) + data.draw(st.integers(0, 400))
        if at < len(raw):
            raw[at] = data.draw(st.integers(0, 255))
    asked = []

    def read_at(offset: int, length: int) -> bytes:
        assert offset >= 0 and length >= 0
        asked.append(length)
        return bytes(raw[offset : offset + length])

    try:
        members = list(read_directory(read_at, len(raw)).members())
    except ArchiveError:
        return
    for _, member in members:
        try:
            content = unpack(member, read_at(*member.span))
        except ArchiveError:
            continue
        assert content in SOUNDS.values() or len(content) == member.size
    assert sum(asked) < 3 * len(raw) + 10_000_000


@given(st.binary(max_size=300))
def test_no_bytes_are_too_odd_to_be_refused(raw: bytes) -> None:
    with suppress(ArchiveError):
        read_all(raw)


def test_an_index_is_as_good_after_the_archive_was_opened_anew(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(packed(SOUNDS, zipfile.ZIP_DEFLATED))
    kept = [(entry.name, entry.where) for entry in Zip(tmp_path / "x.zip").index()]
    archive = Zip(tmp_path / "x.zip")
    for name, where in kept:
        assert archive.read(Entry(name, where)) == SOUNDS[f"unbalanced/{name}"]


def test_a_file_that_shrinks_under_the_reader_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(packed(SOUNDS))
    archive = Zip(path)
    entries = list(archive.index())
    path.write_bytes(b"")
    assert "directory is damaged" in refusal(lambda: archive.read(entries[0]))
