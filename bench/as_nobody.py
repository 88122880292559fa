"""Every stage as a user who can write neither to a home nor to the installation.

    sudo python bench/as_nobody.py [--python /path/of/the/installation/bin/python] [--per-class N]

Needs root, to become `nobody` (`--uid` another, which no user need have), and Linux. If not everybody may
read the installation, `setpriv` gives nobody the right to read, and no other. A small YouTube is simulated on
this machine. Each command runs without a home, without NUMBA_CACHE_DIR and most other variables, and with a
umask of 077. What it said first and last is printed, and what was left in the folder for temporary files. The
exit code is 1 if any command failed, or something was left but for torch's own empty folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists

NOBODY = 65534
CLASSES = ("Piano", "Drums", "Flute", "Other")
NO_HOME = "/proc/nohome"


def prefix(python: str, uid: int = NOBODY) -> list[str]:
    """What stands before a command, so that it runs as nobody and can read this Python; none where it cannot.

    Raises:
        PermissionError: this is not root, or nobody can be made to read it.
    """
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    if os.geteuid() == 0 and shutil.which("setpriv"):
        for words in (become, [*become, *reading]):
            tried = subprocess.run([*words, "--", python, "-c", ""], capture_output=True, check=False)
            if tried.returncode == 0:
                return [*words, "--"]
    raise PermissionError("nobody but root becomes nobody, by setpriv of util-linux")


def environment(scratch: Path) -> dict[str, str]:
    """What a container or a compute node leaves of a user's environment."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "AUDIOSET_TOOLS_FFMPEG") if name in os.environ
    }
    return {**kept, "HOME": NO_HOME, "TMPDIR": str(scratch)}


def stages(lists: Path, workspace: Path, proxy: str, per_class: int) -> list[list[str]]:
    """The commands, in the order of the work."""
    where, run = ["--workspace", str(workspace)], str(workspace / "runs" / "paper")
    fetch = ["--metadata", str(lists), "--per-class", str(per_class), "--proxy", proxy, "--pace", "unlimited"]
    return [
        ["doctor", *where],
        ["select", "--metadata", str(lists), "--per-class", str(per_class)],
        ["fetch", *where, *fetch, "--no-check-certificate"],
        ["status", *where],
        ["featurize", *where],
        ["train", *where, "--name", "paper", "--epochs", "2", "--batch-size", "16", "--lr", "0.001"],
        ["evaluate", "paper", *where],
        ["predict", str(workspace / "clips" / "Flute"), "--run", run, "--png", str(workspace / "pictures")],
        ["inspect", "{shard}", "--png", str(workspace / "mel.png")],
        ["report", *where],
        ["errors", "--run", run, *where],
        ["freeze", *where, "--out", str(workspace / "manifest.json")],
        ["verify", *where, "--deep"],
        ["demo", "--workspace", str(workspace.with_name("demo")), "--per-class", str(per_class)],
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--per-class", type=int, default=8)
    parser.add_argument("--uid", type=int, default=NOBODY)
    given = parser.parse_args()
    as_nobody, failed = prefix(given.python, given.uid), 0
    with tempfile.TemporaryDirectory() as folder, Simulator(Plan(seed=5)) as youtube:
        root = Path(folder)
        root.chmod(0o755)
        write_lists(root / "lists", dict.fromkeys(CLASSES, 3 * given.per_class), seed=3)
        for name in ("work", "scratch"):
            (root / name).mkdir(mode=0o700)
            os.chown(root / name, given.uid, given.uid)
        workspace, scratch = root / "work" / "data", root / "scratch"
        installed = subprocess.run(
            [given.python, "-c", "import audioset_tools as a; print(a.__file__)"],
            capture_output=True, text=True, check=True, cwd=folder,
        ).stdout.strip()  # fmt: skip
        print(f"{' '.join(as_nobody)} {given.python}, of {installed}")
        for words in stages(root / "lists", workspace, youtube.proxy, given.per_class):
            shard = next(iter(sorted(workspace.glob("shards/*/*.h5"))), "")
            words = [word.replace("{shard}", str(shard)) for word in words]
            began = time.monotonic()
            done = subprocess.run(
                [*as_nobody, given.python, "-m", "audioset_tools", *words],
                env=environment(scratch), cwd=root / "work", umask=0o077,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            )  # fmt: skip
            failed += done.returncode != 0
            said = (done.stdout + done.stderr).strip().splitlines()
            print(f"\n{words[0]}: exit code {done.returncode}, {time.monotonic() - began:.1f} s")
            print(
                "\n".join(
                    f"    {line[:160]}" for line in (said if done.returncode else [*said[:2], *said[-1:]])
                )
            )
            if done.stderr.strip() and not done.returncode:
                print("    on standard error: " + done.stderr.strip().splitlines()[-1][:160])
        left = sorted(path.name for path in scratch.iterdir())
    print(
        f"\n{failed} commands failed; left in the folder for temporary files: {', '.join(left) or 'nothing'}"
    )
    return bool(failed or [name for name in left if not name.startswith("torchinductor_")])


if __name__ == "__main__":
    sys.exit(main())
