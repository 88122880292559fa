"""A small YouTube on loopback, for the demo, the tests and the benchmarks.

    from audioset_tools.simulator import Plan, Simulator

    with Simulator(Plan(seed=1, shares={"removed": 0.2})) as youtube:
        YoutubeDL({"proxy": youtube.proxy, "nocheckcertificate": True, ...})
        youtube.counts()

The unmodified yt-dlp works against it. What an id is follows from the plan (`plan.decide`), what a perfect
cut of it would sound like is `sounds.wanted`, and how well a cut sits is `sounds.offset_ms`.
"""

from .plan import Limit, Plan, Refusal, Row, Video, decide, read_plan, read_table
from .server import Simulator

__all__ = ["Limit", "Plan", "Refusal", "Row", "Simulator", "Video", "decide", "read_plan", "read_table"]
