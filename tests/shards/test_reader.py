"""MelShards: rows across shards, in an order that seed and epoch decide, from memory and from disk alike.

Whether the mels fit is decided by what the machine and the control groups leave.
"""

import multiprocessing
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import AudiosetToolsError, DataMismatch, UsageError
from audioset_tools.featurize.run import finish_folder
from audioset_tools.shards import reader
from audioset_tools.shards import reader as order
from audioset_tools.shards.index import read_index
from audioset_tools.shards.reader import MelShards, available_memory, find_shards, fits
from audioset_tools.shards.shard import ShardHeader, open_shard
from audioset_tools.workspace import Workspace
from tests.shards.small import HEADER, SEVERAL, SHAPE, mels, write

TRAIN = np.concatenate([mels(20), mels(5) + 1000])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two train shards and one test shard."""
    folder = tmp_path / "shards" / "paper-1234"
    write(folder / "train-00000.h5", 20)
    write(folder / "train-00001.h5", 5, offset=1000)
    test = ShardHeader("test", *(getattr(HEADER, n) for n in list(HEADER.__slots__)[1:]))
    write(folder / "test-00000.h5", 3, test)
    finish_folder(folder, sorted(folder.glob("*.h5")))
    return folder


def read_all(shards: MelShards) -> np.ndarray:
    return shards.take(np.arange(len(shards)))


def test_rows_are_taken_across_shards(folder: Path) -> None:
    shards = MelShards(folder, "train")
    assert len(shards) == 25
    assert shards.shape == SHAPE
    rows = np.array([24, 0, 19, 20, 0])
    np.testing.assert_array_equal(shards.take(rows), TRAIN[rows])
    np.testing.assert_array_equal(shards.take([-1, 3]), TRAIN[[-1, 3]])
    assert shards.take([]).shape == (0, *SHAPE)
    assert shards.label.tolist() == [0, 1] * 10 + [0, 1, 0, 1, 0]
    assert shards.noise.tolist() == shards.label.tolist()
    assert shards.key[[0, 20]].tolist() == [b"-key_0", b"-key_0"]
    assert shards.group[[0, 19, 24]].tolist() == [b"-group_0", b"-group_4", b"-group_1"]
    assert len(MelShards(folder, "test")) == 3


def test_what_a_model_learns_is_the_class_or_where_several_sound_all_of_them(
    folder: Path, tmp_path: Path
) -> None:
    shards = MelShards(folder, "train")
    assert shards.target.tolist() == shards.label.tolist()
    assert type(shards[21][1]) is int
    write(tmp_path / "several" / "train-00000.h5", 7, SEVERAL)
    write(tmp_path / "several" / "train-00001.h5", 5, SEVERAL, offset=1000)
    finish_folder(tmp_path / "several", sorted((tmp_path / "several").glob("*.h5")))
    several = MelShards(tmp_path / "several", "train")
    pattern = [[1, 1], [0, 1], [1, 0], [1, 1], [1, 0], [0, 1], [1, 1]]
    assert (several.target.dtype, several.target.tolist()) == (np.uint8, pattern + pattern[:5])
    assert several.label.tolist() == [0, 1] * 3 + [0] + [0, 1] * 2 + [0]
    rows = [8, 0, -5]
    assert [target.tolist() for _, target in several.__getitems__(rows)] == several.target[rows].tolist()
    batches = list(several.batches(5, seed=1))
    order = np.concatenate([mel for mel, _ in batches])[:, 0, 0].argsort()
    shuffled = np.concatenate([target for _, target in batches])
    np.testing.assert_array_equal(shuffled[order], several.target[read_all(several)[:, 0, 0].argsort()])


def test_a_split_without_shards_is_refused(folder: Path) -> None:
    with pytest.raises(
        DataMismatch, match=r"nothing of the validation split\nIt has train, test: the splits"
    ):
        MelShards(folder, "validation")


def test_a_split_that_is_none_is_told_those_there_are(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no split 'val'\n.* has train"):
        MelShards(folder, "val")


def test_a_workspace_will_do_where_it_has_shards_of_one_spec(folder: Path, tmp_path: Path) -> None:
    key = MelShards(folder, "train").key
    for workspace in (Workspace(tmp_path), tmp_path, str(tmp_path)):
        assert np.array_equal(MelShards(workspace, "train").key, key)
    assert np.array_equal(MelShards(tmp_path / "shards", "train").key, key)


@pytest.mark.parametrize(
    ("there", "error", "said"),
    [
        ([], UsageError, r"there is no folder .*\nGive a workspace, or the folder of shards"),
        ([""], DataMismatch, "is no workspace: nothing was fetched into it"),
        (["metadata"], DataMismatch, "is no workspace: nothing was fetched into it"),
        (["clips"], DataMismatch, r"no shards in .*\nRun `audioset-tools featurize` first"),
        (["shards"], DataMismatch, r"no shards in .*\nRun `audioset-tools featurize` first"),
        (["shards/paper-1234"], DataMismatch, r"is unfinished: featurize did not come to its end"),
    ],
)
def test_what_is_no_folder_of_shards_is_told_what_it_lacks(
    tmp_path: Path, there: list[str], error: type[AudiosetToolsError], said: str
) -> None:
    for name in there:
        (tmp_path / "w" / name).mkdir(parents=True)
    with pytest.raises(error, match=said):
        MelShards(tmp_path / "w", "train")


def test_targets_are_what_cross_entropy_takes(folder: Path) -> None:
    shards = MelShards(folder, "train")
    assert shards.target.dtype == shards.label.dtype == np.int64
    assert next(shards.batches(4))[1].dtype == np.int64


@pytest.mark.parametrize("row", [25, -26])
def test_there_is_no_row_beyond_the_last(folder: Path, row: int) -> None:
    shards = MelShards(folder, "train")
    with pytest.raises(IndexError, match="among 25"):
        shards[row]
    assert len(list(shards)) == 25  # type: ignore[call-overload]


def test_making_one_opens_nothing(folder: Path) -> None:
    for path in folder.glob("*.h5"):
        path.unlink()
    shards = MelShards(str(folder), "train")
    assert len(shards) == 25
    with pytest.raises(DataMismatch, match=r"train-00000.h5 is missing"):
        shards.open()


def test_only_the_shards_that_are_wanted_are_opened(folder: Path) -> None:
    shards = MelShards(folder, "train")
    foreign = folder / "train-00001.h5"
    foreign.write_text("hello")
    assert len(shards.take([19, 0])) == 2
    for act in (lambda: shards[20], lambda: shards.label, shards.open):
        with pytest.raises(DataMismatch, match=r"train-00001.h5 is no shard"):
            act()


@pytest.mark.parametrize(
    "change",
    [
        {"spec_digest": "other"},
        {"recipe": "clean"},
        {"class_names": ("Drums", "Piano")},
        {"split": "test"},
        {"multi_label": True},
    ],
)
def test_shards_of_another_meaning_are_never_mixed(folder: Path, change: dict[str, object]) -> None:
    write(folder / "train-00001.h5", 5, replace(HEADER, **change))
    with pytest.raises(DataMismatch, match=r"train-00001.h5 is of another spec or recipe"):
        MelShards(folder, "train").open()


def test_a_shard_of_other_inputs_or_rows_is_refused(folder: Path) -> None:
    for rows, header in ((20, replace(HEADER, inputs="others")), (19, HEADER)):
        write(folder / "train-00000.h5", rows, header)
        with pytest.raises(DataMismatch, match=r"not the shard that index.json names"):
            MelShards(folder, "train").open()


def test_an_unfinished_folder_is_refused(folder: Path) -> None:
    (folder / "index.json").unlink()
    with pytest.raises(DataMismatch, match="unfinished"):
        MelShards(folder, "train")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"shards": 3}', "{}", "\udcff", "[" * 100_000])
def test_a_damaged_index_is_refused(folder: Path, text: str) -> None:
    (folder / "index.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataMismatch, match=r"index.json is damaged"):
        MelShards(folder, "train")


def test_the_statistics_are_those_of_the_train_split(folder: Path) -> None:
    for split in ("train", "test"):
        shards = MelShards(folder, split)
        assert shards.mean.dtype == shards.std.dtype == np.float32
        np.testing.assert_allclose(shards.mean, TRAIN.mean(axis=(0, 2)), rtol=1e-6)
        np.testing.assert_allclose(shards.std, TRAIN.std(axis=(0, 2)), rtol=1e-6)
    exact = read_index(folder)
    np.testing.assert_allclose(exact.std, TRAIN.astype(np.float64).std(axis=(0, 2)), rtol=1e-12)


def test_it_is_a_map_style_dataset(folder: Path) -> None:
    shards = MelShards(folder, "train")
    mel, label = shards[21]
    np.testing.assert_array_equal(mel, TRAIN[21])
    assert (label, type(label)) == (1, int)
    for (mel, label), row in zip(shards.__getitems__([24, 3]), (24, 3), strict=True):
        np.testing.assert_array_equal(mel, TRAIN[row])
        assert label == shards.label[row]


@given(
    shard_rows=st.lists(st.integers(1, 90), min_size=1, max_size=8),
    buffer=st.integers(1, 200),
    seed=st.integers(0, 2**40),
    epoch=st.integers(0, 1000),
)
def test_every_row_comes_once(shard_rows: list[int], buffer: int, seed: int, epoch: int) -> None:
    found = order.shuffled(shard_rows, buffer, seed, epoch).tolist()
    assert sorted(found) == list(range(sum(shard_rows)))
    assert found == order.shuffled(shard_rows, buffer, seed, epoch).tolist()


def test_a_buffer_is_made_of_runs_from_many_shards() -> None:
    found = order.shuffled([512] * 20, 640, 0, 1)
    for start in range(0, len(found), 640):
        buffer = found[start : start + 640]
        runs = 1 + int(np.sum(np.diff(np.sort(buffer)) != 1))
        # 640 rows are 40 runs of 16, and a few more as shards end and buffers cut them.
        assert runs <= 60
        assert len(set((buffer // 512).tolist())) > 10
        # Within the buffer nothing is left of the runs: who were neighbours are so again by chance alone.
        assert np.mean(np.abs(np.diff(buffer)) == 1) < 0.02


def test_seed_and_epoch_decide_the_order() -> None:
    def one(seed: int, epoch: int) -> tuple[int, ...]:
        return tuple(order.shuffled([64, 30], 40, seed, epoch).tolist())

    assert len({one(0, 0), one(0, 1), one(1, 0), one(1, 1)}) == 4


@pytest.mark.parametrize("batch_size", [1, 4, 7, 25, 100])
@pytest.mark.parametrize("buffer", [9, 1000])
def test_batches_are_the_same_from_memory_and_from_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, batch_size: int, buffer: int
) -> None:
    monkeypatch.setattr(reader, "buffer_rows", lambda row_bytes: buffer)
    expected = order.shuffled([20, 5], buffer, 3, 2)
    labels = MelShards(folder, "train").label
    for in_memory in (False, True):
        shards = MelShards(folder, "train", in_memory)
        for seed, rows in ((3, expected), (None, np.arange(25)), (3, expected)):
            found = list(shards.batches(batch_size, seed, epoch=2))
            assert [len(label) for _, label in found[:-1]] == [batch_size] * (len(found) - 1)
            np.testing.assert_array_equal(np.concatenate([mel for mel, _ in found]), TRAIN[rows])
            assert np.concatenate([label for _, label in found]).tolist() == labels[rows].tolist()


def test_a_batch_may_be_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "buffer_rows", lambda row_bytes: 8)
    shards = MelShards(folder, "train", in_memory=False)
    held = [(mel, mel.copy()) for mel, _ in shards.batches(4, seed=0)]
    assert all(np.array_equal(mel, copy) for mel, copy in held)


def test_what_is_in_memory_is_not_read_again(folder: Path) -> None:
    kept, read = MelShards(folder, "train", in_memory=True), MelShards(folder, "train", in_memory=False)
    for shards in (kept, read):
        assert np.array_equal(read_all(shards), TRAIN)
    for path in folder.glob("*.h5"):
        path.unlink()
    assert np.array_equal(read_all(kept), TRAIN)
    mel, _ = kept[3]
    mel[:] = 7
    assert np.array_equal(kept[3][0], TRAIN[3])
    with pytest.raises(DataMismatch, match="cannot be read"):
        read.take([0])


@pytest.mark.parametrize(("available", "kept"), [(0, False), (25 * 96 * 2, True), (25 * 96 * 2 - 2, False)])
def test_the_memory_there_is_decides(
    folder: Path, monkeypatch: pytest.MonkeyPatch, available: int, kept: bool
) -> None:
    monkeypatch.setattr(reader, "available_memory", lambda: available)
    shards = MelShards(folder, "train")
    read_all(shards)
    for path in folder.glob("*.h5"):
        path.unlink()
    if kept:
        assert np.array_equal(read_all(shards), TRAIN)
    else:
        with pytest.raises(DataMismatch):
            shards.take([0])


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_flipped_bit_is_refused_wherever_it_is_read(folder: Path, in_memory: bool) -> None:
    path = folder / "train-00000.h5"
    place = int(open_shard(path).offsets[6]) + 50
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    shards = MelShards(folder, "train", in_memory)
    for act in (lambda: shards[6], lambda: list(shards.batches(5)), lambda: list(shards.batches(5, seed=1))):
        with pytest.raises(DataMismatch, match=r"train-00000.h5: the mel of -key_3, .*row 6") as caught:
            act()
        assert "verify --deep --repair" in caught.value.remedy
    assert np.array_equal(shards.take([5, 7, 20]), TRAIN[[5, 7, 20]])


def digest(shards: MelShards) -> tuple[bytes, bytes, bytes]:
    mels, labels = zip(*shards.batches(4, seed=1, epoch=2), strict=True)
    return shards[7][0].tobytes(), b"".join(m.tobytes() for m in mels), b"".join(x.tobytes() for x in labels)


HERE: list[MelShards] = []


def receive(shards: MelShards) -> None:
    """In another process: what it was forked with, or unpickled."""
    HERE.append(shards)


def do(task: Callable[[MelShards], object]) -> object:
    return task(HERE[-1])


def rows_kept(shards: MelShards) -> int:
    read_all(shards)
    return int(shards._there.sum())


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("in_memory", "method", "kept"),
    [(None, "fork", 1), (False, "fork", 0), (True, "fork", 25), (None, "spawn", 0), (True, "spawn", 25)],
)
def test_other_processes_read_the_same_and_keep_mels_of_their_own_only_when_told_to(
    folder: Path, in_memory: bool | None, method: str, kept: int
) -> None:
    expected = digest(MelShards(folder, "train"))
    shards = MelShards(folder, "train", in_memory)
    shards[0]
    with multiprocessing.get_context(method).Pool(1, receive, [shards]) as pool:
        assert pool.apply(do, [digest]) == expected
        assert pool.apply(do, [rows_kept]) == kept
    assert digest(shards) == expected


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_processes_share_what_was_read_before(folder: Path) -> None:
    shards = MelShards(folder, "train")
    expected = digest(shards)
    for path in folder.glob("*.h5"):
        path.unlink()
    with multiprocessing.get_context("fork").Pool(2, receive, [shards]) as pool:
        assert pool.map(do, [digest] * 4) == [expected] * 4


def test_threads_read_the_same(folder: Path) -> None:
    for in_memory in (False, True):
        shards = MelShards(folder, "train", in_memory)
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(digest, [shards] * 32))) == 1


def test_a_copy_takes_no_mels_along(folder: Path) -> None:
    shards = MelShards(folder, "train", in_memory=True)
    shards.open()
    before = len(pickle.dumps(shards))
    read_all(shards)
    assert len(pickle.dumps(shards)) == before
    copy = pickle.loads(pickle.dumps(shards))  # noqa: S301
    assert np.array_equal(read_all(copy), TRAIN)


WITHOUT_TORCH = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", *sys.argv[2:]):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import audioset_tools
assert not {"numpy", "h5py", "numba"} & set(sys.modules), "slow to import"
if sys.argv[1]:
    from audioset_tools import MelShards
    shards = MelShards(sys.argv[1], "train")
    print(len(shards), shards[3][0].shape, sum(len(label) for _, label in shards.batches(4, seed=0)))
"""


def test_it_works_without_torch_and_costs_nothing_until_it_is_asked_for(folder: Path) -> None:
    words = [sys.executable, "-c", WITHOUT_TORCH]
    done = subprocess.run([*words, folder], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout == "25 (4, 6) 25\n"
    subprocess.run([*words, "", "numpy", "h5py"], check=True)


def test_which_shards_to_use(folder: Path) -> None:
    root = folder.parent
    assert find_shards(root) == find_shards(root, "paper-1234") == folder
    with pytest.raises(UsageError, match="no shards 'log'"):
        find_shards(root, "log")
    shutil.copytree(folder, root / "log-5678")
    with pytest.raises(DataMismatch, match="2 specs") as caught:
        find_shards(root)
    assert "--shards NAME: log-5678, paper-1234" in caught.value.remedy
    assert find_shards(root, "paper-1234") == folder


def test_no_shards_at_all(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    with pytest.raises(DataMismatch, match="no shards") as caught:
        find_shards(tmp_path / "shards")
    assert "featurize" in caught.value.remedy


GIB = 2**30


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


MACHINE = {"proc/meminfo": "MemTotal: 33554432 kB\nMemAvailable:   16777216 kB\n"}
GROUP = "sys/fs/cgroup"


def test_half_of_what_is_there_may_be_taken() -> None:
    assert fits(4 * GIB, 8 * GIB)
    assert not fits(4 * GIB + 1, 8 * GIB)


def test_without_groups_the_machine_decides(tmp_path: Path) -> None:
    assert available_memory(machine(tmp_path, MACHINE)) == 16 * GIB


@pytest.mark.parametrize("path", ["/", "/a/b", "/../../elsewhere"])
@pytest.mark.parametrize(("limit", "left"), [("max", 16), (str(4 * GIB), 3), (str(64 * GIB), 16), ("0", 0)])
def test_groups_of_the_second_version(tmp_path: Path, path: str, limit: str, left: int) -> None:
    files = {
        "proc/self/cgroup": f"0::{path}\n",
        f"{GROUP}/memory.max": f"{limit}\n",
        f"{GROUP}/memory.current": f"{2 * GIB}\n",
        f"{GROUP}/memory.stat": f"anon 7\ninactive_file {GIB}\n",
    }
    assert available_memory(machine(tmp_path, MACHINE | files)) == left * GIB


def test_an_outer_group_counts(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/a/b\n"}
    for group, limit in (("a", 2), ("a/b", 8)):
        files[f"{GROUP}/{group}/memory.max"] = str(limit * GIB)
        files[f"{GROUP}/{group}/memory.current"] = str(GIB)
    assert available_memory(machine(tmp_path, MACHINE | files)) == GIB


def test_groups_of_the_first_version(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x\n1:name=systemd:/x\n",
        f"{GROUP}/memory/x/memory.limit_in_bytes": str(3 * GIB),
        f"{GROUP}/memory/x/memory.usage_in_bytes": str(2 * GIB),
        f"{GROUP}/memory/memory.limit_in_bytes": str(2**63 - 4096),
        f"{GROUP}/memory/memory.usage_in_bytes": str(9 * GIB),
    }
    assert available_memory(machine(tmp_path, MACHINE | files)) == GIB


def test_a_system_that_tells_nothing_is_taken_to_have_a_quarter_of_its_memory(tmp_path: Path) -> None:
    assert available_memory(tmp_path) > 0
    assert available_memory(machine(tmp_path, {"proc/self/cgroup": "gibberish\n0\n"})) > 0
    assert available_memory() > 0
