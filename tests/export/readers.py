"""Readers that are in no package index, written from their documented layout; see each one's source.

They do what theirs do, mistakes included: that is what an export is proved by.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import av
import h5py
import numpy as np
import soundfile


class PannsDataset:
    """`AudioSetDataset` of audioset_tagging_cnn, utils/data_generator.py."""

    def __init__(self, sample_rate: int = 32_000) -> None:
        self.step = {32_000: 1, 16_000: 2, 8_000: 4}[sample_rate]

    def __getitem__(self, meta: dict) -> dict:
        with h5py.File(meta["hdf5_path"], "r") as hf:
            row = meta["index_in_hdf5"]
            return {
                "audio_name": hf["audio_name"][row].decode(),
                "waveform": (hf["waveform"][row] / 32767.0).astype(np.float32)[:: self.step],
                "target": hf["target"][row].astype(np.float32),
            }


class PannsTrainSampler:
    """`TrainSampler`: every clip once, in an order by chance, without end."""

    def __init__(self, indexes_hdf5_path: Path, batch_size: int, random_seed: int = 1234) -> None:
        self.batch_size = batch_size
        self.random_state = np.random.RandomState(random_seed)
        with h5py.File(indexes_hdf5_path, "r") as hf:
            self.audio_names = [name.decode() for name in hf["audio_name"][:]]
            self.hdf5_paths = [path.decode() for path in hf["hdf5_path"][:]]
            self.indexes_in_hdf5 = hf["index_in_hdf5"][:]
            self.targets = hf["target"][:].astype(np.float32)
        self.audios_num, self.classes_num = self.targets.shape

    def meta(self, index: int) -> dict:
        return {"hdf5_path": self.hdf5_paths[index], "index_in_hdf5": self.indexes_in_hdf5[index]}

    def __iter__(self) -> Iterator[list[dict]]:
        indexes, pointer = np.arange(self.audios_num), 0
        self.random_state.shuffle(indexes)
        while True:
            batch = []
            while len(batch) < self.batch_size:
                batch.append(self.meta(indexes[pointer]))
                pointer += 1
                if pointer >= self.audios_num:
                    pointer = 0
                    self.random_state.shuffle(indexes)
            yield batch


class PannsBalancedTrainSampler(PannsTrainSampler):
    """`BalancedTrainSampler`: a clip of each class in turn."""

    def __iter__(self) -> Iterator[list[dict]]:
        indexes_per_class = [np.where(self.targets[:, k] == 1)[0] for k in range(self.classes_num)]
        pointers, queue = [0] * self.classes_num, []
        while True:
            batch = []
            while len(batch) < self.batch_size:
                if not queue:
                    queue = np.arange(self.classes_num).tolist()
                    self.random_state.shuffle(queue)
                class_id = queue.pop(0)
                index = indexes_per_class[class_id][pointers[class_id]]
                pointers[class_id] += 1
                if pointers[class_id] >= len(indexes_per_class[class_id]):
                    pointers[class_id] = 0
                    self.random_state.shuffle(indexes_per_class[class_id])
                batch.append(self.meta(index))
            yield batch


class PasstDataset:
    """`AudioSetDataset` of PaSST, audioset/dataset.py, and of EfficientAT."""

    def __init__(self, hdf5_file: Path, classes_num: int = 527, clip_length: int = 10) -> None:
        self.hdf5_file, self.classes_num, self.clip_length = hdf5_file, classes_num, clip_length * 32_000
        with h5py.File(hdf5_file, "r") as f:
            self.length = len(f["audio_name"])
        self.dataset_file: h5py.File | None = None

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, str, np.ndarray]:
        if self.dataset_file is None:
            self.dataset_file = h5py.File(self.hdf5_file, "r")
        audio_name = self.dataset_file["audio_name"][index].decode()
        waveform = self.pad_or_truncate(self.decode_mp3(self.dataset_file["mp3"][index]))
        target = self.dataset_file["target"][index]
        target = np.unpackbits(target, axis=-1, count=self.classes_num).astype(np.float32)
        return waveform.reshape(1, -1), audio_name, target

    def pad_or_truncate(self, x: np.ndarray) -> np.ndarray:
        if len(x) <= self.clip_length:
            return np.concatenate((x, np.zeros(self.clip_length - len(x), dtype=np.float32)))
        return x[: self.clip_length]

    @staticmethod
    def decode_mp3(mp3_arr: np.ndarray) -> np.ndarray:
        container = av.open(io.BytesIO(mp3_arr.tobytes()))
        stream = next(s for s in container.streams if s.type == "audio")
        a = [f.to_ndarray().reshape(-1) for packet in container.demux(stream) for f in packet.decode()]
        waveform = np.concatenate(a)
        if waveform.dtype != "float32":
            raise RuntimeError("Unexpected wave type")
        return waveform


class AstDataset:
    """`AudiosetDataset` of AST, src/dataloader.py, without mixup and masks."""

    def __init__(
        self, dataset_json_file: Path, label_csv: Path, melbins: int = 128, frames: int = 1024
    ) -> None:
        with Path(dataset_json_file).open() as fp:
            self.data = json.load(fp)["data"]
        with Path(label_csv).open() as f:
            self.index_dict = {row["mid"]: row["index"] for row in csv.DictReader(f)}
        self.label_num, self.melbins, self.frames = len(self.index_dict), melbins, frames

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        datum = self.data[index]
        label_indices = np.zeros(self.label_num, np.float32)
        for label_str in datum["labels"].split(","):
            label_indices[int(self.index_dict[label_str])] = 1.0
        waveform, sr = soundfile.read(datum["wav"], dtype="float32")
        fbank = kaldi_fbank(waveform - waveform.mean(), sr, self.melbins)
        fbank = np.pad(fbank, ((0, max(0, self.frames - len(fbank))), (0, 0)))[: self.frames]
        return fbank, label_indices


def kaldi_fbank(waveform: np.ndarray, rate: int, bands: int) -> np.ndarray:
    """`torchaudio.compliance.kaldi.fbank(htk_compat, window_type="hanning", dither=0.0, frame_shift=10)`."""
    size, shift = rate * 25 // 1000, rate * 10 // 1000
    frames = np.lib.stride_tricks.sliding_window_view(waveform, size)[::shift].astype(np.float64)
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    frames = (frames - 0.97 * before) * np.hanning(size)
    n_fft = 1 << (size - 1).bit_length()
    power = np.abs(np.fft.rfft(frames, n_fft))[:, :-1] ** 2
    mels = 1127 * np.log(1 + np.arange(n_fft // 2) * rate / n_fft / 700)
    low, high = (1127 * np.log(1 + hertz / 700) for hertz in (20, rate / 2))
    edges = np.linspace(low, high, bands + 2)
    width = edges[1] - edges[0]
    rising, falling = (mels - edges[:-2, None]) / width, (edges[2:, None] - mels) / width
    return np.log(np.maximum(power @ np.clip(np.minimum(rising, falling), 0, None).T, 1.1920928955078125e-07))
