"""An audit on a terminal of 80 columns, and for programs."""

import json
from dataclasses import replace
from pathlib import Path

from audioset_tools.audit.ranking import AuditedClass, NoisyPair
from audioset_tools.audit.run import Audit
from audioset_tools.audit.summary import PAIRS_SHOWN, SHOWN, audit_json, audit_lines, audit_tables
from tests.audit.test_suspects import SUSPECT
from tests.errors.mistaken import key_of

FOUND = Audit(
    class_names=("Piano", "Drums"),
    clips=2_000,
    folds=5,
    seed=0,
    agreement=0.861,
    classes=(AuditedClass("Piano", 1_000, 30, 25.4), AuditedClass("\033[31mDrums", 0, 0, 0.0)),
    pairs=(NoisyPair("Piano", "Drums", 25.4, 0.0254),) * 20,
    suspects=tuple(replace(SUSPECT, key=key_of(rank), rank=rank) for rank in range(1, 31)),
    path=Path("w/audit/audit.csv"),
)


def test_tables_have_the_first_of_a_long_list() -> None:
    classes, pairs, suspects = audit_tables(FOUND)
    assert classes.rows == (("Piano", "1,000", "30", "2.5"), (r"\x1b[31mDrums", "0", "0", ""))
    assert len(pairs.rows) == PAIRS_SHOWN and pairs.rows[0] == ("Piano", "Drums", "25", "2.5")
    assert len(suspects.rows) == SHOWN
    assert suspects.rows[0] == ("1", key_of(1), "Piano (0.25)", "class (0.50)", "test")


def test_lines_say_how_far_the_list_can_be_trusted_and_what_comes_next() -> None:
    first, *others = audit_lines(FOUND)
    *_, last = audit_lines(FOUND, ["--out", "my audit"])
    assert last.endswith("audioset-tools errors --audit --serve --out 'my audit'")
    assert first.startswith("86% of the labels") and "audit.csv" in others[0] and "--audit" in others[-1]
    assert any("learned little" in line for line in audit_lines(replace(FOUND, agreement=0.4)))


def test_nothing_suspect_is_told_without_empty_tables() -> None:
    none = replace(FOUND, suspects=(), pairs=())
    assert len(list(audit_tables(none))) == 1 and "errors" not in "".join(audit_lines(none))


def test_programs_get_all_of_it() -> None:
    told = json.loads(json.dumps(audit_json(FOUND)))
    assert len(told["suspects"]) == 30 and told["suspects"][0]["suggested"] == ["class"]
    assert told["classes"][0]["wrong"] == 25.4 and told["path"] == "w/audit/audit.csv"
