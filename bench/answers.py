"""What one recorded answer of the real YouTube costs in yt-dlp, reduced to what decides and as it came.

    python bench/answers.py ../shared/recordings

Each answer goes through the unmodified yt-dlp without a network, by turns as it came (the extractor as yt-dlp
ships it, which also asks for the HLS manifest) and reduced (ours). CPU in ms is the median of five runs;
requests are those of one extraction.
"""

import gzip
import io
import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import yt_dlp
from yt_dlp.networking import Response

from audioset_tools.sources.extractions import EXTRACTIONS
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.session import Listener
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.youtube import YouTube

ROUNDS = 5
PLAIN = {"youtube": {k: v for k, v in EXTRACTIONS[0].arguments["youtube"].items() if k != "skip"}}
MANIFEST = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nhttps://manifest.googlevideo.com/a.m3u8\n"


class Wire:
    """yt-dlp's network: every player request gets the same answer."""

    def __init__(self) -> None:
        self.answer = b"{}"
        self.asked = 0

    def urlopen(self, _: object, request: Any) -> Response:
        """Answer at once."""
        url = request if isinstance(request, str) else request.url
        self.asked += 1
        body = self.answer if "/player" in url else MANIFEST if ".m3u8" in url or "/hls" in url else b"{}"
        return Response(io.BytesIO(body), url, {"Content-Type": "application/json"})


def plain_ytdlp() -> yt_dlp.YoutubeDL:
    """A `YoutubeDL` with the lean arguments and its own extractor."""
    options = {"logger": Listener(), "cachedir": False, "extractor_retries": 0, "js_runtimes": {}}
    ydl = yt_dlp.YoutubeDL({**options, "extractor_args": PLAIN}, auto_init=False)
    ydl.get_info_extractor("Youtube")
    return ydl


def measured(wire: Wire, extract: Any) -> tuple[float, int]:
    """CPU in ms and requests of one extraction."""
    asked, began = wire.asked, time.process_time()
    with suppress(yt_dlp.utils.YoutubeDLError, FetchError):
        extract()
    return 1000 * (time.process_time() - began), wire.asked - asked


def main() -> None:
    """Print the table."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    wire = Wire()
    yt_dlp.YoutubeDL.urlopen = lambda self, request: wire.urlopen(self, request)
    theirs, ours = plain_ytdlp(), YouTube(Pace(parse_pace("unlimited")), extractions=EXTRACTIONS[:1])
    ours.visitor_id()
    print(f"{'recording':<52} {'kB':>5} {'plain':>7} {'ours':>7} {'times':>6} {'requests':>9}")
    ratios, ours_ms, theirs_ms = [], [], []
    for path in sorted(Path(sys.argv[1]).glob("*.json.gz")):
        recording = json.loads(gzip.decompress(path.read_bytes()))
        wire.answer = json.dumps(recording["answer"]).encode()
        ytid = str(recording["answer"].get("videoDetails", {}).get("videoId") or "aaaaaaaaaaA")
        url = f"https://www.youtube.com/watch?v={ytid}"
        ways = (
            lambda url=url: theirs.extract_info(url, download=False, process=False, ie_key="Youtube"),
            lambda ytid=ytid: ours.resolve(0, ytid),
        )
        runs = [[measured(wire, way) for way in ways] for _ in range(ROUNDS + 1)][1:]
        plain, reduced = (median(run[n][0] for run in runs) for n in (0, 1))
        name = path.name.removesuffix(".json.gz")
        print(
            f"{name:<52} {len(wire.answer) / 1000:>5.0f} {plain:>7.1f} {reduced:>7.1f}"
            f" {plain / reduced:>6.1f} {runs[0][0][1]:>4} -> {runs[0][1][1]}",
            flush=True,
        )
        if name.startswith("visionos-ok"):
            ratios.append(plain / reduced)
            theirs_ms.append(plain)
            ours_ms.append(reduced)
    if ratios:
        print(
            f"\nplayable answers to the lean client: median {median(theirs_ms):.1f} ms plain,"
            f" {median(ours_ms):.1f} ms ours, {median(ratios):.1f} times less"
        )


if __name__ == "__main__":
    main()
