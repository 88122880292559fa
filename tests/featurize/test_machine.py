"""Whether the mels fit is decided by what the machine and the control groups leave."""

from pathlib import Path

import pytest

from audioset_tools.featurize.machine import available_memory, fits

GIB = 2**30


def write(root: Path, files: dict[str, str]) -> Path:
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
    assert available_memory(write(tmp_path, MACHINE)) == 16 * GIB


@pytest.mark.parametrize("path", ["/", "/a/b", "/../../elsewhere"])
@pytest.mark.parametrize(("limit", "left"), [("max", 16), (str(4 * GIB), 3), (str(64 * GIB), 16), ("0", 0)])
def test_groups_of_the_second_version(tmp_path: Path, path: str, limit: str, left: int) -> None:
    files = {
        "proc/self/cgroup": f"0::{path}\n",
        f"{GROUP}/memory.max": f"{limit}\n",
        f"{GROUP}/memory.current": f"{2 * GIB}\n",
        f"{GROUP}/memory.stat": f"anon 7\ninactive_file {GIB}\n",
    }
    assert available_memory(write(tmp_path, MACHINE | files)) == left * GIB


def test_an_outer_group_counts(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/a/b\n"}
    for group, limit in (("a", 2), ("a/b", 8)):
        files[f"{GROUP}/{group}/memory.max"] = str(limit * GIB)
        files[f"{GROUP}/{group}/memory.current"] = str(GIB)
    assert available_memory(write(tmp_path, MACHINE | files)) == GIB


def test_groups_of_the_first_version(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x\n1:name=systemd:/x\n",
        f"{GROUP}/memory/x/memory.limit_in_bytes": str(3 * GIB),
        f"{GROUP}/memory/x/memory.usage_in_bytes": str(2 * GIB),
        f"{GROUP}/memory/memory.limit_in_bytes": str(2**63 - 4096),
        f"{GROUP}/memory/memory.usage_in_bytes": str(9 * GIB),
    }
    assert available_memory(write(tmp_path, MACHINE | files)) == GIB


def test_a_system_that_tells_nothing_is_taken_to_have_a_quarter_of_its_memory(tmp_path: Path) -> None:
    assert available_memory(tmp_path) > 0
    assert available_memory(write(tmp_path, {"proc/self/cgroup": "gibberish\n0\n"})) > 0
    assert available_memory() > 0
