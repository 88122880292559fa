"""What stands in scripts/ beside the command line."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

ASK = """
import json, sys, urllib.request
for name, version in json.loads(sys.argv[1]):
    query = json.dumps({"package": {"name": name, "ecosystem": "PyPI"}, "version": version}).encode()
    with urllib.request.urlopen(sys.argv[-1], query) as answer:
        print(*[found["id"] for found in json.load(answer).get("vulns", [])])
"""


def _advisory(name: str, package: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    spans = [{"type": "ECOSYSTEM", "events": list(events)}]
    return {
        "id": name,
        "affected": [{"package": {"ecosystem": "PyPI", "name": package}, "ranges": spans, **more}],
    }


def test_advisories_are_answered_as_osv_answers(tmp_path: Path) -> None:
    advisories = [
        _advisory("A", "Some_Package", {"introduced": "0"}, {"fixed": "1.10"}),
        _advisory("B", "some.package", {"introduced": "2.0"}, {"last_affected": "2.1"}, versions=["3.0rc1"]),
        _advisory("D", "another", {"introduced": "0"}, {"fixed": "1"}, {"introduced": "2"}),
    ]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for advisory in advisories:
            archive.writestr(f"{advisory['id']}.json", json.dumps(advisory))
    asked = [("some-package", v) for v in ("1.9", "1.10", "2.0", "2.1", "2.1.1", "3.0rc1")]
    asked += [("another", v) for v in ("0.9", "1.5", "2")] + [("unheard-of", "1")]
    script = [sys.executable, str(ROOT / "scripts/advisories.py"), str(tmp_path / "all.zip")]
    done = subprocess.run(
        [*script, sys.executable, "-c", ASK, json.dumps(asked)], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["A", "", "B", "B", "", "B", "D", "", "D", ""]
