"""Videos of the simulator as files."""

from audioset_tools.simulator import Plan
from audioset_tools.simulator.bank import FORMATS
from audioset_tools.simulator.media import VirtualFile

YTID = "aaaaaaaaaaA"
M4A, WEBM_LOW, WEBM = FORMATS


def plan(class_name: str, start_ms: int, fault: str = "") -> Plan:
    """One video: what it plays, from when, and what is wrong with it."""
    return Plan(table={YTID: (class_name, start_ms, start_ms + 10_000)}, faults={YTID: fault})


def whole(file: VirtualFile) -> bytes:
    return b"".join(file.read(0, len(file)))
