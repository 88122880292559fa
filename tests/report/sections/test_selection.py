"""The section about the selection: the funnel, the tiers, what can still be filled."""

import json
from pathlib import Path

from tests.report.pages import read_report
from tests.report.workspaces import ledger_only


def test_what_became_of_every_row_and_how_many_each_tier_holds(tmp_path: Path) -> None:
    funnel = {
        "recipe": "paper",
        "rows": 2_084_320,
        "classes": {
            name: {
                "outcomes": {"no label of the class": 2_000_000, "kept": 84_320},
                "subsets": {"eval": 84_320},
                "tiers": {"L0": 10, "L1": 9, "L2": 5, "L3": 5},
                "pools": {},
            }
            for name in ("Tone", "Noise")
        },
    }
    # A class of pools has no tiers.
    funnel["classes"]["Noise"] |= {"outcomes": {"kept": 17}, "tiers": {}, "pools": {"any": 17}}
    page = read_report(ledger_only(tmp_path, json.dumps(funnel)), tmp_path / "out")
    assert "any kept row17000" in page.text
    for words in ("2,084,320", "= kept", "84,320"):
        assert words in page.text


def test_a_funnel_that_was_not_recorded_is_said_to_be_missing(tmp_path: Path) -> None:
    page = read_report(ledger_only(tmp_path), tmp_path / "out")
    assert "was not recorded" in page.text and "report --metadata DIR" in page.text


def test_a_class_says_whether_it_can_still_be_filled(tmp_path: Path) -> None:
    page = read_report(ledger_only(tmp_path), tmp_path / "out")
    # Six are wanted; of ten candidates three are dead, of the other class one waits.
    assert "Tone607if at most 14% of those left to try are dead" in page.text
    assert "Noise6010if at most 40% of those left to try are dead" in page.text
