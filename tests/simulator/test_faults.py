"""The words of faults and refusals: YouTube's own, several where it has several."""

import math

from audioset_tools.simulator.faults import FAULTS, playability, spread, wordings
from tests.simulator.conftest import GOOD, SOME, needs_recordings, recorded


@needs_recordings
def test_the_words_of_recorded_refusals_are_among_ours() -> None:
    known = {(words.status, words.reason) for fault in FAULTS for words in wordings(fault)}
    for answer in recorded("*-unplayable-*") + recorded("*-error-*") + recorded("*-login_required-*"):
        status = answer["playabilityStatus"]
        screen = status.get("errorScreen", {}).get("playerErrorMessageRenderer", {})
        said = status.get("reason") or screen["reason"]["simpleText"]
        # A page of 2023 puts both of its sentences on members into one.
        assert (
            status["status"],
            said.split(". Join this channel to get")[0] + "." * said.endswith("perks."),
        ) in {
            *known,
            *((status, f"{reason.split('. Join')[0]}.") for status, reason in known),
        }, said


def test_several_wordings_are_all_used() -> None:
    for fault in ("private", "members-only", "unavailable", "geo-blocked"):
        said = {playability(fault, ytid).get("reason") for ytid in SOME}
        assert said == {words.reason for words in wordings(fault)}
        assert playability(fault, GOOD) == playability(fault, GOOD)


def test_the_dead_share_out_what_is_given() -> None:
    assert math.isclose(sum(spread(0.25).values()), 0.25)
