"""A plan: what any id is, and plans and tables from files."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.simulator import Limit, Plan, Refusal, TableRow, decide, read_plan, read_table
from audioset_tools.simulator.faults import DEAD, FAULTS, spread
from audioset_tools.simulator.plan import PHRASES, PICKS

ytids = st.from_regex(r"[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]", fullmatch=True)
some_ids = [f"{number:010d}A" for number in range(2000)]


@given(ytids, st.integers(0, 10**6), st.sampled_from(["", *FAULTS]))
def test_a_video_is_a_function_of_plan_and_id(ytid: str, seed: int, fault: str) -> None:
    video = decide(Plan(seed=seed, faults={ytid: fault}), ytid)
    assert video == decide(Plan(seed=seed, faults={ytid: fault}), ytid)
    assert video.fault == fault
    assert len(video.phrases) == PICKS
    assert all(0 <= phrase < PHRASES[video.voice] for phrase in video.phrases)
    if fault == "beyond-end":
        assert video.length_ms <= video.start_ms
    else:
        assert 5_000 <= video.length_ms - video.end_ms < 60_000


def test_shares_are_kept_over_many_ids() -> None:
    plan = Plan(seed=7, shares=spread(0.25))
    faults = [decide(plan, ytid).fault for ytid in some_ids]
    # Three standard deviations of 2,000 draws.
    assert sum(fault != "" for fault in faults) / len(faults) == pytest.approx(0.25, abs=0.03)
    assert set(faults) == {"", *DEAD}


def test_the_order_of_shares_does_not_matter() -> None:
    shares = {"removed": 0.2, "reset": 0.2, "live": 0.2}
    turned = dict(reversed(shares.items()))
    assert [decide(Plan(shares=shares), ytid) for ytid in some_ids[:50]] == [
        decide(Plan(shares=turned), ytid) for ytid in some_ids[:50]
    ]


def test_another_seed_is_another_world() -> None:
    fates = [
        [decide(Plan(seed=seed, shares={"removed": 0.5}), ytid).fault for ytid in some_ids] for seed in (1, 2)
    ]
    assert fates[0] != fates[1]


def test_the_table_says_class_and_segment() -> None:
    plan = Plan(table={"aaaaaaaaaaA": ("Flute", 12_345, 20_000)})
    video = decide(plan, "aaaaaaaaaaA")
    assert (video.class_name, video.voice, video.start_ms, video.end_ms) == ("Flute", "flute", 12_345, 20_000)


def test_an_explicit_fault_goes_over_the_shares() -> None:
    plan = Plan(shares={"removed": 1.0}, faults={"aaaaaaaaaaA": "", "bbbbbbbbbbA": "stall"})
    assert [decide(plan, f"{letter * 10}A").fault for letter in "abc"] == ["", "stall", "removed"]


def test_videos_of_a_class_differ() -> None:
    played = {
        (decide(Plan(), ytid).voice, decide(Plan(), ytid).phrases)
        for ytid in some_ids
        if decide(Plan(), ytid).class_name == "Piano"
    }
    assert len(played) == sum(decide(Plan(), ytid).class_name == "Piano" for ytid in some_ids)


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="no fault is called 'gone'"):
        Plan(shares={"gone": 0.1})
    with pytest.raises(UsageError, match="no fault"):
        Plan(faults={"aaaaaaaaaaA": "gone"})
    with pytest.raises(UsageError, match="more than 1"):
        Plan(shares={"removed": 0.6, "live": 0.6})
    with pytest.raises(UsageError, match="no answer"):
        Limit(per_second=1, answer="418")
    with pytest.raises(UsageError, match="nothing through"):
        Limit(per_second=0)
    with pytest.raises(UsageError, match="no kind"):
        Refusal(at=1, seconds=1, kind="page")
    with pytest.raises(UsageError, match="no way of being off"):
        Plan(clients_off={"VISIONOS": "gone"})
    with pytest.raises(UsageError, match="no answer"):
        Plan(chance_answer="418")
    with pytest.raises(UsageError, match="no state of the manifests"):
        Plan(hls="gone")
    with pytest.raises(UsageError, match="between 0 and 1"):
        Plan(chance=1.1)
    with pytest.raises(UsageError, match="between 200 and 599"):
        Plan(visitor_status=20)


def test_read_table(tmp_path: Path) -> None:
    path = tmp_path / "candidates.csv"
    path.write_text(
        "key,ytid,start_ms,end_ms,class,tier,rank,subset\n"
        "-aaaaaaaaaA_30000,-aaaaaaaaaA,30000,40000,Piano,3,0,eval\n"
    )
    assert read_table(path) == {"-aaaaaaaaaA": TableRow("Piano", 30_000, 40_000)}
    path.write_text("ytid,start\naaaaaaaaaaA,30\n")
    with pytest.raises(DataMismatch, match="not a table"):
        read_table(path)


def test_read_plan(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("ytid,start_ms,end_ms,class\naaaaaaaaaaA,0,10000,Drums\n")
    path = tmp_path / "plan.toml"
    path.write_text(
        "seed = 3\nbot_without_visitor = true\nchance = 0.05\n"
        'chance_clients = ["VISIONOS"]\nhls = "slow"\n'
        'table = "table.csv"\n'
        "[shares]\nremoved = 0.1\n"
        '[clients_off]\nVISIONOS = "player-400"\n'
        '[limit]\nper_second = 5\nburst = 2\nanswer = "bot-check"\n'
        "[[refusals]]\nat = 40\nseconds = 3\nretry_after = 2\n"
    )
    assert read_plan(path) == Plan(
        seed=3,
        bot_without_visitor=True,
        chance=0.05,
        chance_clients=("VISIONOS",),
        hls="slow",
        table={"aaaaaaaaaaA": TableRow("Drums", 0, 10_000)},
        shares={"removed": 0.1},
        clients_off={"VISIONOS": "player-400"},
        limit=Limit(per_second=5, burst=2, answer="bot-check"),
        refusals=(Refusal(at=40, seconds=3, retry_after=2),),
    )


@pytest.mark.parametrize("text", ["sed = 3\n", "seed = \n", "[limit]\nper_minute = 3\n"])
def test_read_plan_refuses_what_no_plan_has(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"plan\.toml"):
        read_plan(path)


def test_shares_of_dubs_and_twins_are_small_and_fixed() -> None:
    videos = [decide(Plan(), ytid) for ytid in some_ids[:200]]
    for share, held in ((0.05, "dubs"), (0.1, "drc"), (0.3, "many")):
        had = sum(bool(getattr(video, held)) for video in videos) / len(videos)
        assert math.isclose(had, share, abs_tol=3 * math.sqrt(share / len(videos)))
