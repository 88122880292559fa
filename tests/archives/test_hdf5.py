"""HDF5 as PANNs and PaSST pack it, and what one must not have read in its name."""

import errno
import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.archives.archive import ArchiveError, Entry
from audioset_tools.archives.hdf5 import Hdf5
from audioset_tools.exceptions import EnvironmentProblem

NAMES = ["Yabcdefghi0A.wav", "", "Yabcdefghi2A.wav", "Yabcdefghi3A"]
SAMPLES = np.random.default_rng(1).integers(-9_000, 9_000, (4, 320), dtype=np.int16)
SAMPLES[1] = 0
SAMPLES[2] = 0
MP3 = [bytes([number]) * (100 + number) for number in range(1, 5)]


OPTIONS: list[dict[str, object]] = [
    {},
    {"chunks": (1, 320), "compression": "gzip"},
    {"chunks": (3, 100), "compression": "gzip", "shuffle": True, "fletcher32": True},
    {"chunks": (2, 7), "fletcher32": True},
    {"maxshape": (None, 320)},
]
"""Of the ways in which rows may be laid out."""


def panns(path: Path, samples: np.ndarray = SAMPLES, rate: int | None = 32_000, **options: object) -> Path:
    """As PANNs' scripts write it, with rows of a hundredth of a second."""
    with h5py.File(path, "w") as file:
        file.create_dataset("audio_name", data=np.array(NAMES, "S20"))
        file.create_dataset("waveform", data=samples, **options)
        file.create_dataset("target", data=np.zeros((4, 527), bool))
        if rate:
            file.attrs.create("sample_rate", rate, dtype=np.int32)
    return path


def passt(path: Path) -> Path:
    """As PaSST's scripts write it."""
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "audio_name", data=np.array(["Yabcdefghi0A.mp3", "x/Yabcdefghi1A", "b", "c"], "S20")
        )
        files = file.create_dataset("mp3", (4,), dtype=h5py.vlen_dtype(np.uint8))
        for number, content in enumerate(MP3):
            files[number] = np.frombuffer(content, np.uint8)
        file.create_dataset("target", data=np.zeros((4, 66), np.uint8))
    return path


def read_all(path: Path) -> dict[str, bytes]:
    archive = Hdf5(path)
    return {entry.name: archive.read(entry) for entry in archive.index()}


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as caught:
        read()
    return str(caught.value)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4"])
def test_rows_of_samples_are_wav_files(dtype: str, options: dict[str, object], tmp_path: Path) -> None:
    samples = SAMPLES.astype(dtype) / (np.float32(32_768) if dtype == "<f4" else 1)
    found = read_all(panns(tmp_path / "x.h5", samples.astype(dtype), **options))
    assert list(found) == ["Yabcdefghi0A.wav", "Yabcdefghi2A.wav", "Yabcdefghi3A.wav"]
    for row, name in ((0, "Yabcdefghi0A.wav"), (3, "Yabcdefghi3A.wav")):
        heard, rate = soundfile.read(io.BytesIO(found[name]), dtype="float64")
        assert rate == 32_000
        assert np.array_equal(heard * 32_768, SAMPLES[row])


def test_a_row_of_zeros_is_a_clip_that_is_missing(tmp_path: Path) -> None:
    assert read_all(panns(tmp_path / "x.h5"))["Yabcdefghi2A.wav"] == b""


def test_the_rate_of_rows_without_one_is_that_of_ten_seconds(tmp_path: Path) -> None:
    long = np.repeat(SAMPLES, 1_000, axis=1)
    found = read_all(panns(tmp_path / "x.h5", long, rate=None))
    assert soundfile.info(io.BytesIO(found["Yabcdefghi0A.wav"])).samplerate == 32_000
    assert "sample rate of 32 is none" in refusal(lambda: read_all(panns(tmp_path / "y.h5", rate=None)))


def test_rows_of_mp3_are_taken_as_they_are(tmp_path: Path) -> None:
    found = read_all(passt(tmp_path / "x.hdf5"))
    assert found == {"Yabcdefghi0A.mp3": MP3[0], "Yabcdefghi1A.mp3": MP3[1], "b.mp3": MP3[2], "c.mp3": MP3[3]}


@pytest.mark.parametrize("options", [{"chunks": (3,)}, {"maxshape": (None,)}])
def test_rows_of_mp3_in_chunks_are_read_too(options: dict[str, object], tmp_path: Path) -> None:
    with h5py.File(passt(tmp_path / "x.h5"), "a") as file:
        del file["mp3"]
        files = file.create_dataset("mp3", (4,), dtype=h5py.vlen_dtype(np.uint8), **options)
        for number in (0, 1, 3):
            files[number] = np.frombuffer(MP3[number] * 5_000, np.uint8)
    assert list(read_all(tmp_path / "x.h5").values()) == [MP3[0] * 5_000, MP3[1] * 5_000, b"", MP3[3] * 5_000]


def test_a_row_that_claims_more_than_it_has_is_refused(tmp_path: Path) -> None:
    raw = bytearray(passt(tmp_path / "x.h5").read_bytes())
    heap = raw.index(b"GCOL")
    reference = raw.index(struct.pack("<IQI", 101, heap, 1))
    for claimed, words in ((0xFFFF_FFFF, "claims 4,294,967,295 bytes"), (5_000, "its mp3 is damaged")):
        struct.pack_into("<I", raw, reference, claimed)
        (tmp_path / "x.h5").write_bytes(raw)
        archive = Hdf5(tmp_path / "x.h5")
        entry = next(iter(archive.index()))
        assert words in refusal(lambda: archive.read(entry))  # noqa: B023


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that another must not lead to."""
    (tmp_path / "secret").mkdir()
    return panns(tmp_path / "secret" / "s.h5")


def external_link(file: h5py.File, secret: Path) -> None:
    file["waveform"] = h5py.ExternalLink(secret, "waveform")


def soft_link_to_external_link(file: h5py.File, secret: Path) -> None:
    file["inner"] = h5py.ExternalLink(secret, "waveform")
    file["waveform"] = h5py.SoftLink("inner")


def virtual(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout(shape=SAMPLES.shape, dtype=SAMPLES.dtype)
    layout[:] = h5py.VirtualSource(secret, "waveform", shape=SAMPLES.shape)
    file.create_virtual_dataset("waveform", layout)


def external_storage(file: h5py.File, secret: Path) -> None:
    file.create_dataset("waveform", SAMPLES.shape, SAMPLES.dtype, external=[(str(secret), 0, SAMPLES.nbytes)])


@pytest.mark.parametrize("lead", [external_link, soft_link_to_external_link, virtual, external_storage])
def test_no_other_file_is_read_in_the_name_of_one(
    lead: Callable[[h5py.File, Path], None], secret: Path, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("audio_name", data=np.array(NAMES, "S20"))
        lead(file, secret)
        # It does lead there: h5py by itself follows.
        assert file["waveform"][:].any()
    # Whoever opened this would wait for ever.
    secret.unlink()
    os.mkfifo(secret)
    archive = Hdf5(tmp_path / "x.h5")
    assert "its waveform lies in another file" in refusal(lambda: list(archive.index()))
    assert "lies in another file" in refusal(lambda: archive.read(Entry("Yabcdefghi0A.wav", (0, 0))))


def test_other_packs_are_refused_with_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    for forms, words in (
        ({"mel": np.zeros((4, 2))}, "no audio_name beside waveform or mp3, but mel"),
        ({}, "but nothing"),
        ({"audio_name": np.zeros(4), "waveform": SAMPLES}, "its audio_name is 4 of float64"),
        ({"audio_name": np.array(NAMES, "S20"), "waveform": SAMPLES[:3]}, "its audio_name is 4 of"),
        (
            {"audio_name": np.array(NAMES, "S20"), "waveform": np.zeros((4, 9))},
            "its waveform is 4 x 9 of float64",
        ),
        ({"audio_name": np.array(NAMES, "S20"), "mp3": SAMPLES}, "its mp3 is 4 x 320 of int16"),
        ({"audio_name": np.array(NAMES, "S2000"), "waveform": SAMPLES}, "its audio_name is 4 of"),
        ({"audio_name": NAMES, "waveform": SAMPLES}, "its audio_name is 4 of object"),
    ):
        with h5py.File(path, "w") as file:
            for name, data in forms.items():
                file.create_dataset(name, data=data)
        assert words in refusal(lambda: list(Hdf5(path).index()))
    with h5py.File(path, "w") as file:
        file.create_group("audio_name")
        file.create_dataset("waveform", data=SAMPLES)
    assert "is no data set" in refusal(lambda: list(Hdf5(path).index()))


@pytest.mark.parametrize("forms", [{"shape": (4, 1 << 27)}, {"shape": (4, 1 << 25), "chunks": (4, 1 << 25)}])
def test_a_row_larger_than_a_recording_can_be_is_not_read(
    forms: dict[str, tuple[int, ...]], tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("audio_name", data=np.array(NAMES, "S20"))
        file.create_dataset("waveform", dtype=np.int16, **forms)
    assert "packed in another way" in refusal(lambda: list(Hdf5(tmp_path / "x.h5").index()))


def test_what_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    whole = panns(tmp_path / "x.h5").read_bytes()
    for content in (b"", b"x" * 5_000, whole[:1_000], whole[: len(whole) // 2]):
        (tmp_path / "x.h5").write_bytes(content)
        assert "it is damaged, or no HDF5" in refusal(lambda: read_all(tmp_path / "x.h5"))
    with pytest.raises(EnvironmentProblem, match="No such file"):
        read_all(tmp_path / "none.h5")


def test_a_disk_that_fails_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Hdf5(passt(tmp_path / "x.h5"))
    entry = next(iter(archive.index()))

    def failing(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", failing)
    with pytest.raises(EnvironmentProblem, match=r"x\.h5 cannot be read: Input/output error"):
        archive.read(entry)


MUTATE = """
import random, sys
from pathlib import Path
from audioset_tools.archives.archive import ArchiveError
from audioset_tools.archives.hdf5 import Hdf5
path = Path(sys.argv[1])
whole, other = path.read_bytes(), path.with_name("mutated.h5")
for seed in range(int(sys.argv[2])):
    rng, raw = random.Random(seed), bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        raw[rng.randrange(len(raw))] = rng.choice((0, 1, 127, 255, rng.randrange(256)))
    other.write_bytes(raw)
    archive = Hdf5(other)
    try:
        for entry in archive.index():
            try:
                archive.read(entry)
            except ArchiveError:
                pass
    except ArchiveError:
        pass
# Not ru_maxrss, which a process inherits from the one that started it.
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024)
"""


def packed_panns(path: Path) -> Path:
    return panns(path, **OPTIONS[2])


@pytest.mark.parametrize("make", [panns, packed_panns, passt])
def test_a_mutated_file_neither_crashes_nor_fills_the_memory(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    """In a process of its own: a library written in C may do more than raise."""
    words = [sys.executable, "-c", MUTATE, str(make(tmp_path / "x.h5")), "300"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 600


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_are_too_odd_to_be_refused(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    path = tmp_path_factory.mktemp("h5") / "x.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + tail)
    with suppress(ArchiveError):
        read_all(path)


def test_names_that_have_no_room_in_the_file_are_not_looked_for(tmp_path: Path) -> None:
    """A few kilobytes that claim two million rows, none of which was ever written."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("audio_name", (2_000_000,), "S1000", chunks=(1,), compression="gzip")
        file.create_dataset("waveform", (2_000_000, 320), np.int16, chunks=(1, 320))
    with pytest.raises(ArchiveError, match="more names than it has room for"):
        next(Hdf5(path).index())
