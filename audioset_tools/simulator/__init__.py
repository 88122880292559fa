"""A small YouTube on loopback, for the demo, the tests and the benchmarks.

    from audioset_tools.simulator import Plan, Simulator

    with Simulator(Plan(seed=1, shares={"removed": 0.2})) as youtube:
        YoutubeDL({"proxy": youtube.proxy, "nocheckcertificate": True, ...})
        youtube.counts()

The unmodified yt-dlp works against it. What an id is follows from the plan (`plan.decide`), and what a
perfect cut of it would sound like is `sounds.wanted`.
"""

from .plan import Limit, Plan, Refusal, TableRow, Video, decide, read_plan, read_table
from .server import Simulator

__all__ = ["Limit", "Plan", "Refusal", "Simulator", "TableRow", "Video", "decide", "read_plan", "read_table"]
