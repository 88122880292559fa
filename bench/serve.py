"""People who answer while `errors --serve` is killed again and again and strangers hold its connections.

    python bench/serve.py [--clients 200] [--half-open 400] [--kills 4] [--seconds 30] [--pause 1]

A process of its own holds half-open connections: each begins a request and sends a byte of it every half
second, and a new one takes the place of each that is closed. Clients answer one clip after another, over
connections that they keep, and pause between them; what is not confirmed they send again. Meanwhile the
server is killed with SIGKILL and started again. In the end each confirmed answer must stand in the file;
otherwise the exit code is 1. The rounds: nobody else, half-open connections, and both them and kills. Times
are of a request that was answered, from its first byte to the last of the answer; `longest wait` is that of
an answer until it was confirmed, the server's absence included.
"""

import argparse
import asyncio
import csv
import json
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from audioset_tools.errors.answers import read_answers
from audioset_tools.errors.secret import keep_secret
from audioset_tools.runs.folder import PREDICTIONS
from audioset_tools.workspace import ANSWERS, Workspace

MISTAKES = 400
PATIENCE_S = 30


@dataclass
class Round:
    """What became of a round."""

    seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    confirmed: set[tuple[str, str, int]] = field(default_factory=set)
    failed: int = 0


class Server:
    """`errors --serve` in a process of its own."""

    def __init__(self, workspace: Workspace) -> None:
        words = ["errors", "--workspace", str(workspace.root), "--run", "paper", "--serve"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "audioset_tools", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().split()[-1]

    def kill(self) -> None:
        """At once."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


def make_run(root: Path) -> Workspace:
    """A run with mistakes, and no sound."""
    workspace = Workspace(root)
    (workspace.runs / "paper").mkdir(parents=True)
    with (workspace.runs / "paper" / PREDICTIONS).open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["key", "actual", "predicted", "Piano", "Flute"])
        for number in range(MISTAKES):
            table.writerow([f"-{number:09d}A_0", "Piano", "Flute", 0.25, 0.75])
    return workspace


async def exchange(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], head: str, body: bytes = b""
) -> tuple[str, bytes]:
    """Send a request, and take status line with headers, and body, of its answer."""
    reader, writer = streams
    writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    said = (await reader.readuntil(b"\r\n\r\n")).decode()
    size = int(said.lower().split("content-length:")[1].split()[0])
    return said, await reader.readexactly(size)


async def answer_until(deadline: float, pause: float, name: str, port: int, token: str, found: Round) -> None:
    """One client: let in by the address, then one answer after another."""
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    usual = f"Host: 127.0.0.1:{port}\r\n"
    number = 0
    began = time.monotonic()
    while time.monotonic() < deadline:
        about = {"key": f"-{number % MISTAKES:09d}A_0", "actual": "Piano", "predicted": "Flute"}
        one = {**about, "annotator": name, "cause": "other", "note": "", "given": int(1000 * time.time())}
        try:
            async with asyncio.timeout(PATIENCE_S):
                if streams is None:
                    streams = await asyncio.open_connection("127.0.0.1", port)
                    said, _ = await exchange(streams, f"GET /?token={token} HTTP/1.1\r\n{usual}")
                    cookie, where = (
                        said.split(f"{head}: ")[1].split("\r\n")[0] for head in ("Set-Cookie", "Location")
                    )
                    mine = f"{usual}Origin: http://127.0.0.1:{port}\r\nCookie: {cookie.split(';')[0]}\r\n"
                head = f"POST {where}answers HTTP/1.1\r\n{mine}Content-Type: application/json\r\n"
                sent = time.monotonic()
                said, _ = await exchange(streams, head, json.dumps({"answers": [one]}).encode())
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError, IndexError):
            found.failed += 1
            if streams:
                streams[1].close()
            streams = None
            await asyncio.sleep(0.2)
            continue
        if " 200 " not in said.splitlines()[0]:
            raise AssertionError(said)
        found.confirmed.add((name, one["key"], one["given"]))
        found.seconds.append(time.monotonic() - sent)
        found.waits.append(time.monotonic() - began)
        await asyncio.sleep(pause)
        number, began = number + 1, time.monotonic()
    if streams:
        streams[1].close()


def hold(port: int, connections: int) -> None:
    """Hold half-open connections until killed."""

    async def one() -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET / HTTP/1.1\r\n")
                while not writer.is_closing():
                    writer.write(b"a")
                    await writer.drain()
                    await asyncio.sleep(0.5)
            await asyncio.sleep(0.1)

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(connections)))

    asyncio.run(all_of_them())


async def play(workspace: Workspace, port: int, token: str, given: argparse.Namespace, kills: int) -> Round:
    """A round of clients, with so many kills spread over it."""
    found = Round()
    deadline = time.monotonic() + given.seconds
    clients = [
        asyncio.create_task(answer_until(deadline, given.pause, f"A{n}", port, token, found))
        for n in range(given.clients)
    ]
    server = await asyncio.to_thread(Server, workspace)
    for _ in range(kills):
        await asyncio.sleep(given.seconds / (kills + 1))
        server.kill()
        server = await asyncio.to_thread(Server, workspace)
    await asyncio.gather(*clients)
    server.kill()
    return found


def measure(given: argparse.Namespace, half_open: int, kills: int) -> bool:
    """Print a row of the table; whether nothing that was confirmed is lost."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_run(Path(folder))
        run = workspace.runs / "paper"
        server = Server(workspace)
        port = int(server.address.split(":")[2].split("/")[0])
        token = keep_secret(run, port).token
        server.kill()
        strangers = subprocess.Popen([sys.executable, __file__, "--hold", str(port), str(half_open)])
        try:
            found = asyncio.run(play(workspace, port, token, given, kills))
        finally:
            strangers.kill()
            strangers.wait()
        there = {(one.annotator, one.key, one.given) for one in read_answers(run / ANSWERS)}
    lost = len(found.confirmed - there)
    ms = sorted(1000 * one for one in found.seconds)
    print(
        f"{given.clients:>7} {half_open:>9} {kills:>5} {len(found.confirmed):>9,} {lost:>5}"
        f" {median(ms):>9.1f} {quantiles(ms, n=100)[98]:>7.1f} {ms[-1]:>7.1f} {max(found.waits):>12.1f}",
        flush=True,
    )
    return not lost


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--hold"]:
        hold(int(sys.argv[2]), int(sys.argv[3]))
        return
    parser: Any = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--half-open", type=int, default=400)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pause", type=float, default=1, help="seconds from one answer to the next")
    given = parser.parse_args()
    print(
        "clients half-open kills confirmed  lost median ms 99 % ms  max ms longest wait s",
        flush=True,
    )
    rounds = [(0, 0), (given.half_open, 0), (given.half_open, given.kills)]
    nothing_lost = [measure(given, half_open, kills) for half_open, kills in rounds]
    if not all(nothing_lost):
        sys.exit("an answer that was confirmed is lost")


if __name__ == "__main__":
    main()
