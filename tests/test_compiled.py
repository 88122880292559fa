"""Compiled functions work wherever the package lies, also where nothing can be kept."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import pytest
from as_nobody import NO_HOME, prefix

from audioset_tools.compiled import _remove, compiled, compiling_words, keep
from audioset_tools.exceptions import EnvironmentProblem


def double(number: int) -> int:
    return 2 * number


def test_the_machine_code_is_kept_where_it_can_be() -> None:
    function = compiled(double)
    assert function(21) == 42
    assert function.stats.cache_path


def readable(folder: Path, mode: int) -> Path:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    return folder


def test_it_is_kept_beside_the_modules_or_in_the_users_cache_or_as_the_user_chose(tmp_path: Path) -> None:
    writable, user = tmp_path / "package", tmp_path / "user" / "numba"
    for chosen in ("", str(tmp_path / "mine")):
        kept = keep(chosen, [writable], user)
        assert (kept.folder, kept.trouble) == (Path(chosen) if chosen else None, "")
    (tmp_path / "file").touch()
    kept = keep("", [writable, tmp_path / "file"], user)
    assert (kept.folder, kept.trouble) == (user, "")
    assert user.stat().st_mode & 0o777 == 0o700


def test_where_nothing_can_be_written_a_private_folder_lasts_as_long_as_the_process(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "x"
    tilde = Path("~/.cache/numba")
    for chosen, user, trouble in (
        ("", nowhere, "file/x cannot be written"),
        (str(nowhere), nowhere, "file/x cannot be written"),
        ("", tilde, "there is no home"),
    ):
        kept = keep(chosen, [nowhere], user)
        assert kept.folder is not None and kept.folder.stat().st_mode & 0o777 == 0o700
        assert kept.trouble.endswith(trouble)
        assert not tilde.parent.parent.exists()
        _remove(kept.folder, os.getpid() + 1)
        assert kept.folder.exists()
        _remove(kept.folder, os.getpid())
        assert not kept.folder.exists()


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777])
def test_nothing_is_loaded_from_where_others_can_write(mode: int, tmp_path: Path) -> None:
    """What numba loads there is a pickle: any program."""
    shared, file = readable(tmp_path / "shared", mode), tmp_path / "file"
    file.touch()
    for kept in (keep(str(shared), [], shared), keep("", [file], shared)):
        assert kept.folder != shared and "could be written by others" in kept.trouble
    # In a sticky folder what is ours stays ours.
    below = shared / "below"
    assert (keep(str(below), [], shared).folder == below) == (mode == 0o1777)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_nothing_is_loaded_from_another_users_folder(tmp_path: Path) -> None:
    theirs = readable(tmp_path / "theirs", 0o755)
    os.chown(theirs, 65534, 65534)
    for chosen in (theirs, readable(theirs / "below", 0o700)):
        kept = keep(str(chosen), [], tmp_path)
        assert kept.folder != chosen and "written by others" in kept.trouble
    ours = readable(tmp_path / "ours", 0o775)
    assert keep(str(ours), [], tmp_path).folder == ours
    os.chown(ours, 0, 100)
    assert "written by others" in keep(str(ours), [], tmp_path).trouble


def test_without_a_temporary_folder_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(EnvironmentProblem, match="compiled code can be kept nowhere"):
        keep("", [tmp_path / "file"], tmp_path / "file")


def test_what_is_no_function_is_a_mistake_still() -> None:
    with pytest.raises(TypeError):
        compiled(3)


DIGESTS = """
import hashlib
import numpy as np
from audioset_tools.featurize.noise import add_noise, noise_rng
from audioset_tools.featurize.mel import logmel
from audioset_tools.compiled import saying
from audioset_tools.shards.spec import PRESETS
from audioset_tools.shards.shard import Accumulator

sound = add_noise(np.sin(np.arange(160_000) ** 1.2).astype(np.float32), (0, 0), noise_rng(0, "key", 1))
said = []
with saying(said.append):
    for spec in PRESETS.values():
        mel = logmel(sound, spec)
        rows = Accumulator(mel.shape)
        rows.add(mel)
        print(hashlib.sha256(mel.tobytes() + rows.statistics().std.tobytes()).hexdigest())
print(*said, sep="\\n")
"""


def test_code_compiled_just_now_and_code_from_the_folder_give_the_same_bytes(tmp_path: Path) -> None:
    """And only of the former anything is said."""
    words = [sys.executable, "-c", DIGESTS]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (subprocess.check_output(words, env=environment, text=True) for _ in range(2))
    *digests, said = first.splitlines()
    assert len(digests) == 2 and said == compiling_words("")
    assert second.splitlines() == [*digests, ""]


def test_what_is_said_does_not_promise_that_it_is_once_where_nothing_can_be_kept() -> None:
    assert "once" in compiling_words("") and "once" not in compiling_words("there is no home")
    assert "there is no home" in compiling_words("there is no home")


def test_a_folder_that_goes_while_it_is_used_costs_what_could_not_be_kept_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk raises the same kind of error."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
    function = compiled(double)
    shutil.rmtree(folder)
    folder.touch()
    assert function(21) == 42
    assert folder.read_bytes() == b""


AXIS = """
from audioset_tools.shards.spec import MelSpec, mel_axis
print(len(mel_axis(MelSpec(htk=False), 9)))
from audioset_tools.compiled import KEPT
print(KEPT.folder, KEPT.trouble)
"""


def test_librosa_works_for_who_can_write_nowhere_but_to_the_temporary_folder(tmp_path: Path) -> None:
    try:
        as_nobody = prefix(sys.executable)
    except PermissionError as error:
        pytest.skip(str(error))
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"], "HOME": NO_HOME}
    words = [*as_nobody, sys.executable, "-c", AXIS]
    done = subprocess.run(
        words, env=environment, cwd=tmp_path.root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    axis, folder, *trouble = done.stdout.split()
    assert axis == "9"
    assert " ".join(trouble).endswith("cannot be written")
    assert not Path(folder).exists()
