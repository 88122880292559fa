"""The directories of a mirror's zips: read once, kept, and never believed when they are of another file."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.archives.archive import ArchiveError
from audioset_tools.archives.zips import unpack
from audioset_tools.simulator.hub.mirror import write_zip
from audioset_tools.sources.hub.client import HubFile
from audioset_tools.sources.hub.index import ZipIndex, kept_index, make_index

FILES = {"Y0000000000A.wav": b"one", "notes.wav": b"x", "in/0000000001A_30.flac": b"two", "x.json": b"{}"}


class Remote:
    """A file that counts how often it is read."""

    def __init__(self, content: bytes, path: str = "eval/a.zip") -> None:
        self.content = content
        self.reads: list[tuple[int, int]] = []
        self.file = HubFile(path, len(content), "etag")

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return self.content[offset : offset + length]


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    write_zip(tmp_path / "a.zip", FILES)
    return Remote((tmp_path / "a.zip").read_bytes())


def contents(index: ZipIndex, remote: Remote) -> list[tuple[str, bytes]]:
    members = [index.member(tuple(place)) for place in index.listing.places.tolist()]
    return [(one.name, unpack(one, remote.read_at(*one.span))) for one in members]


def test_a_directory_takes_two_reads_and_a_member_one(tmp_path: Path, remote: Remote) -> None:
    index = make_index(tmp_path / "kept", remote.file, remote.read_at)
    assert len(remote.reads) == 2
    assert contents(index, remote) == [("Y0000000000A.wav", b"one"), ("in/0000000001A_30.flac", b"two")]
    assert len(remote.reads) == 4
    assert (index.strange.count, index.strange.examples) == (1, ["notes.wav"])


def test_what_was_kept_is_the_same_and_takes_no_read(tmp_path: Path, remote: Remote) -> None:
    made = make_index(tmp_path, remote.file, remote.read_at)
    remote.reads.clear()
    kept = kept_index(tmp_path, remote.file)
    assert kept is not None and remote.reads == []
    assert contents(kept, remote) == contents(made, remote)
    assert (kept.strange.count, kept.strange.examples) == (1, ["notes.wav"])
    assert {path.suffix for path in tmp_path.iterdir()} == {".zip", ".directory", ".listing"}


def test_a_file_of_another_content_size_or_name_is_read_anew(tmp_path: Path, remote: Remote) -> None:
    make_index(tmp_path, remote.file, remote.read_at)
    for other in (
        replace(remote.file, etag="other"),
        replace(remote.file, size=9),
        replace(remote.file, path="b"),
    ):
        assert kept_index(tmp_path, other) is None


@pytest.mark.parametrize("suffix", [".directory", ".listing"])
@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone", "folder"])
def test_damage_to_what_was_kept_is_noticed(tmp_path: Path, remote: Remote, suffix: str, damage: str) -> None:
    make_index(tmp_path / "kept", remote.file, remote.read_at)
    (path,) = (tmp_path / "kept").glob(f"*{suffix}")
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "flip":
        path.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "folder":
        path.mkdir()
    assert kept_index(tmp_path / "kept", remote.file) is None


def test_no_name_of_a_mirror_becomes_a_path(tmp_path: Path, remote: Remote) -> None:
    for path in ("../../x.zip", "/etc/x.zip", "a/\0.zip", "\udcff.zip"):
        make_index(tmp_path / "kept", replace(remote.file, path=path), remote.read_at)
    assert len(list((tmp_path / "kept").iterdir())) == 8
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "a.zip"}


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 9_000])
def test_what_is_no_zip_is_an_error_and_not_kept(tmp_path: Path, content: bytes) -> None:
    remote = Remote(content)
    with pytest.raises(ArchiveError):
        make_index(tmp_path, remote.file, remote.read_at)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_lies_about_a_member_is_caught_when_it_is_read(
    tmp_path: Path, remote: Remote
) -> None:
    at = remote.content.index(b"PK\1\2")
    # The first record says that the member begins where the second does.
    second = remote.content.index(b"PK\3\4", 4)
    lying = remote.content[: at + 42] + struct.pack("<I", second) + remote.content[at + 46 :]
    remote.content = lying
    index = make_index(tmp_path, remote.file, remote.read_at)
    member = index.member(tuple(index.listing.places[0].tolist()))
    with pytest.raises(ArchiveError, match="another file where the directory has"):
        unpack(member, remote.read_at(*member.span))
