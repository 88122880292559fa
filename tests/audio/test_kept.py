"""What a clip was decoded from: kept under the suffix of its form, and found changed."""

from pathlib import Path

import pytest

from audioset_tools.audio import kept
from audioset_tools.audio.ffmpeg import Media
from audioset_tools.audio.kept import keep_source, source_trouble

WEBM = b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + bytes(100)


@pytest.mark.parametrize(
    ("content", "suffix"),
    [(WEBM, "webm"), (WEBM.replace(b"webm", b"matr"), "mka"), (bytes(4) + b"ftypM4A " + bytes(99), "m4a"),
     (b"OggS" + bytes(99), "ogg"), (b"RIFF" + bytes(99), "wav"), (b"ID3" + bytes(99), "mp3"),
     (b"\xff\xfb\x90\x00" + bytes(99), "mp3"), (b"fLaC", "flac"), (b"../../x", "bin"), (b"", "bin")],
)  # fmt: skip
def test_the_suffix_tells_the_form(content: bytes, suffix: str, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(content)
    for media in (Media(content), Media(tmp_path / "it")):
        found = keep_source(media, tmp_path / "sources" / "Yabc_0")
        assert found is not None
        path, sha256 = found
        assert (path.name, path.read_bytes()) == (f"Yabc_0.{suffix}", content)
        assert source_trouble(path, sha256, deep=True) == (None if content else "is empty")
        path.write_bytes(b"other")
        assert source_trouble(path, sha256, deep=False) is None
        assert source_trouble(path, sha256, deep=True) == "has changed since it was written"


def test_an_address_and_a_whole_video_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 10)
    (tmp_path / "it").write_bytes(bytes(11))
    for media in (Media("https://example.org/it"), Media(bytes(11)), Media(tmp_path / "it")):
        assert keep_source(media, tmp_path / "sources" / "Yabc_0") is None
    assert not (tmp_path / "sources").exists()
