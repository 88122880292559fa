"""Compiled functions work wherever the package lies, also where nothing can be kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audioset_tools.featurize.compiled import compiled


def double(number: int) -> int:
    return 2 * number


def test_the_machine_code_is_kept_where_it_can_be() -> None:
    function = compiled(double)
    assert function(21) == 42
    assert function.stats.cache_path


def test_without_a_folder_for_machine_code_every_process_compiles_for_itself() -> None:
    names: dict[str, object] = {}
    # numba looks for a folder by the file that the function is from: this one is from none.
    exec(compile("def triple(number): return 3 * number", "<nowhere>", "exec"), names)
    function = compiled(names["triple"])
    assert function(14) == 42
    assert function.stats.cache_path is None


def test_what_is_no_function_is_a_mistake_still() -> None:
    with pytest.raises(TypeError):
        compiled(3)


DIGESTS = """
import hashlib
import numpy as np
from audioset_tools.featurize.augment import add_noise, noise_rng
from audioset_tools.featurize.mel import logmel
from audioset_tools.featurize.spec import PRESETS
from audioset_tools.featurize.statistics import Accumulator

sound = add_noise(np.sin(np.arange(160_000) ** 1.2).astype(np.float32), (0, 0), noise_rng(0, "key", 1))
for spec in PRESETS.values():
    mel = logmel(sound, spec)
    rows = Accumulator(mel.shape)
    rows.add(mel)
    print(hashlib.sha256(mel.tobytes() + rows.statistics().std.tobytes()).hexdigest())
"""


def test_code_compiled_just_now_and_code_from_the_folder_give_the_same_bytes(tmp_path: Path) -> None:
    words = [sys.executable, "-c", DIGESTS]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (subprocess.check_output(words, env=environment, text=True) for _ in range(2))
    assert len(first.split()) == 2
    assert first == second
