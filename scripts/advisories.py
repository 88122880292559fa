"""Answer as OSV does, on this machine alone, while a command runs: `advisories.py all.zip pip-audit ...`.

pip-audit cannot look into a file of advisories, but can be told another address of OSV. The archive is what
OSV gives away for PyPI: a JSON document for each advisory (https://ossf.github.io/osv-schema/).
"""

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

Affected = dict[str, Any]
"""What an advisory says of one package."""


def is_affected(affected: Affected, version: str) -> bool:
    """Whether a version is listed or lies in a range; one that nobody can compare does."""
    if version in affected.get("versions", []):
        return True
    ranges = [spans["events"] for spans in affected.get("ranges", []) if spans["type"] == "ECOSYSTEM"]
    try:
        return any(_is_within(events, Version(version)) for events in ranges)
    except InvalidVersion:
        return True


def _is_within(events: list[dict[str, str]], version: Version) -> bool:
    within = False
    turns = [(Version(at), kind) for event in events for kind, at in event.items() if at != "*"]
    for at, kind in sorted(turns):
        if kind == "introduced" and (version >= at or at == Version("0")):
            within = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            within = False
    return within


class Advisories:
    """All advisories of an archive, by the packages that they concern."""

    def __init__(self, archive: str) -> None:
        self._of: dict[str, list[tuple[dict[str, Any], Affected]]] = defaultdict(list)
        with zipfile.ZipFile(archive) as files:
            for name in files.namelist():
                advisory = json.loads(files.read(name))
                for affected in advisory.get("affected", []):
                    if affected.get("package", {}).get("ecosystem") == "PyPI":
                        self._of[canonicalize_name(affected["package"]["name"])].append((advisory, affected))

    def of(self, name: str, version: str) -> list[dict[str, Any]]:
        """Those that concern a version of a package, each once."""
        found = self._of[canonicalize_name(name)]
        return list({one["id"]: one for one, affected in found if is_affected(affected, version)}.values())


def serve(advisories: Advisories) -> ThreadingHTTPServer:
    """Answer OSV's `/v1/query` on a port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = advisories.of(query["package"]["name"], query["version"])
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main(archive: str, *command: str) -> int:
    """Run the command with where to ask added; its exit code."""
    with serve(Advisories(archive)) as server:
        address = f"http://127.0.0.1:{server.server_port}/v1/query"
        here = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        asked = [*command, "--vulnerability-service", "osv", "--osv-url", address]
        code = subprocess.run(asked, env=os.environ | here).returncode
        server.shutdown()
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
