"""An estimate promises no more than there is, and says how it was computed."""

from dataclasses import replace
from math import inf

from audioset_tools.fetch.estimate.queues import Outlook
from audioset_tools.fetch.estimate.run import Estimate
from audioset_tools.fetch.estimate.summary import estimate_json, estimate_lines, estimate_table

FLUTE = Outlook("Flute", 5_000, 0, 4_112)
SPENT = Outlook("Drums", 100, 4, 0)
FOUND = Estimate((FLUTE, SPENT), "class", 0.8, False, 300, 16_000, 0, of_list=False)


def test_no_more_is_promised_than_the_queue_holds_and_nothing_of_a_spent_one() -> None:
    rows = {row[0]: row[1:] for row in estimate_table(FOUND).rows}
    assert rows["Flute"] == ("5,000", "5,000", "4,112", "3,289", "4,112", "13:42 h", "1.05 GB")
    assert rows["Drums"] == ("100", "96", "0", "0", "0", "0 s", "0.00 GB")
    assert rows["all"][:5] == ("5,100", "5,096", "4,112", "3,289", "4,112")
    assert estimate_lines(FOUND) == [
        "computed with: 80% alive, which is assumed until 50 have been tried here;"
        " 300 requests an hour, as it would begin",
        "Flute will lack 1,711 or so: 4,112 candidates in its queue",
        "Drums will lack 96: its queue is spent",
        "--per-class 4 is likely to be filled; another --source may have more.",
    ]
    complete = replace(FOUND, parts=(replace(FLUTE, wanted=10, verified=10),))
    assert complete.requests(complete.parts[0]) == 0 and len(estimate_lines(complete)) == 1


def test_what_was_measured_here_counts_and_so_does_what_is_kept() -> None:
    measured = replace(FOUND, survival=0.5, measured=True, kept_bytes=270_000, rate=inf)
    assert (measured.to_come(FLUTE), measured.requests(replace(FLUTE, wanted=100))) == (2_056, 200)
    assert measured.size(1) == 320_044 + 270_000
    computed = estimate_lines(measured)[0]
    assert "50% alive, as of those tried here so far" in computed and "270,000 bytes" in computed
    assert estimate_table(measured).rows[0][6] == "none"
    assert replace(measured, survival=0.0).requests(FLUTE) == 4_112


def test_of_what_one_has_there_are_no_requests_and_no_hours() -> None:
    here = replace(FOUND, survival=1.0, rate=None, kept_bytes=None, at_hand=True)
    table = estimate_table(here)
    assert table.title.startswith("To be fetched from what you have")
    assert table.header == ("class", "wanted", "lacking", "at hand", "likely", "disk")
    assert estimate_lines(here)[1:3] == [
        "Flute will lack 888 or so: 4,112 candidates at hand",
        "Drums will lack 96: the sources have none of its candidates",
    ]
    assert "from mirrors" in estimate_table(replace(here, at_hand=False)).title
    assert table.rows[0] == ("Flute", "5,000", "5,000", "4,112", "4,112", "1.32 GB")
    assert "not counted" in estimate_lines(here)[0]
    told = estimate_json(here)
    assert told["requests_an_hour"] is None and told["parts"]["Flute"]["likely"] == 4_112
    assert estimate_json(FOUND)["parts"]["Flute"]["seconds"] == 49_344


def test_of_a_list_nobody_takes_anothers_place_and_of_many_classes_few_are_named() -> None:
    listed = replace(FOUND, of_list=True, parts=tuple(Outlook(f"c{n}", 9, 0, 9) for n in range(30)))
    *_, more, last = estimate_lines(listed)
    assert more == "and 25 more classes" and last.startswith("Nobody takes the place of a dead one")
    assert len(estimate_table(listed).rows) == 21
    none = replace(FOUND, parts=(replace(SPENT, verified=0),))
    assert estimate_lines(none)[-1] == "Another --source, or another recipe, may have more."
