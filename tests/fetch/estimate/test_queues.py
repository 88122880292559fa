"""Candidates are counted alike in a ledger, a list and a selection."""

from pathlib import Path

from audioset_tools.catalog.segment_list import read_segment_list
from audioset_tools.catalog.selection import Selection
from audioset_tools.fetch.estimate.queues import Outlook, of_ledger, of_list, of_selection
from audioset_tools.fetch.listed import enqueue_list
from audioset_tools.ledger import Ledger
from audioset_tools.types import Failure, Reason, silent
from tests.factories import both, clip, loaded

LISTED = "ytid,start,class,split\nabcdefghijA,0,a,train\nabcdefghijE,0,a,test\nabcdefghijI,0,b,test\n"


def test_a_list_and_its_ledger_are_counted_alike(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(LISTED)
    segments = read_segment_list(tmp_path / "list.csv")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        enqueue_list(ledger, segments, None, silent)
        for held, queued in ((None, (2, 1)), ({"abcdefghijE", "abcdefghijI"}, (1, 1)), (set(), (0, 0))):
            parts = "class", (Outlook("a", 2, 0, queued[0]), Outlook("b", 1, 0, queued[1]))
            assert of_ledger(ledger, held).parts(None, ()) == parts
            assert of_list(segments, held).parts(None, ()) == parts


def test_the_dead_who_are_to_be_tried_again_and_lost_clips_are_in_the_queue(tmp_path: Path) -> None:
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        first, second, third, fourth, *_ = both(5)
        for one, reason in ((first, Reason.TIMEOUT), (second, Reason.REMOVED), (third, Reason.EXCLUDED)):
            ledger.fail(one, Failure(one.key, reason, "", 1, None), 0.0)
        queues = of_ledger(ledger, None)
        counts = {part.name: (part.wanted, part.queued) for part in queues.parts(None, ())[1]}
        again = {part.name: part.queued for part in queues.parts(9, {Reason.TIMEOUT})[1]}
        name = first.class_name
        assert again[name] == counts[name][1] + 1
        assert sum(wanted for wanted, _ in counts.values()) == 9, "whom the user took out is not wanted"
        ledger.accept(fourth, clip(fourth), 0.0)
        for lost, verified in (([], 1), ([fourth], 0)):
            parts = of_ledger(ledger, None, lost).parts(9, ())[1]
            (part,) = (one for one in parts if one.name == fourth.class_name)
            assert (part.verified, part.lacking) == (verified, 9 - verified)
            assert part.queued == counts[part.name][1] - verified


def test_a_selection_is_counted_by_class_and_by_what_is_at_hand(selection: Selection) -> None:
    of, parts = of_selection(selection, None).parts(7, ())
    assert of == "class"
    assert parts == tuple(Outlook(queue.class_name, 7, 0, len(queue)) for queue in selection.queues)
    one = selection.catalog.ytid[selection.queues[0].rows[0]].decode()
    held = of_selection(selection, {one, "abcdefghijA"}).parts(7, ())[1]
    assert sum(part.queued for part in held) == 1 == held[0].queued
