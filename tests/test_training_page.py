"""The code of docs/training.md runs as it stands, on a workspace as `fetch` and `featurize` leave it."""

import re
import subprocess
import sys
from pathlib import Path

from tests.factories import featurized

PAGE = (Path(__file__).parent.parent / "docs" / "training.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
NEEDS = "# needs: pip install"


def test_the_blocks_run_one_after_another(tmp_path: Path) -> None:
    featurized(tmp_path / "audioset")
    ours = [block for block in BLOCKS if not block.startswith(NEEDS)]
    assert (len(ours), len(BLOCKS)) == (4, 6)
    # A script whose data set is read by workers that begin anew guards what it does; a notebook need not.
    script = tmp_path / "script.py"
    script.write_text("\n".join(ours))
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("6 (160000,) ('Tone', 'Noise')\n12 (128, 801) ('Tone', 'Noise')\n")
