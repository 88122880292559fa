"""A check that fails is a row of the table like any other."""

from audioset_tools.doctor.check import Check, Level, Outcome, checks_json, checks_table, guarded, problems


def test_a_check_that_fails_is_a_finding_and_the_others_are_made() -> None:
    def lacking() -> Outcome:
        raise ModuleNotFoundError("No module named 'yt_dlp'", name="yt_dlp")

    def refused() -> Outcome:
        raise PermissionError(13, "Permission denied", "/x")

    checks = [guarded("one", lacking), guarded("two", refused), Check("three", Outcome(Level.OK, ""))]
    assert problems(checks) == ["one", "two"]
    assert "yt_dlp" in checks[0].finding.found
    assert "/x" in checks[1].finding.found
    assert checks_json(checks)["problems"] == ["one", "two"]


def test_the_table_and_json_say_the_same() -> None:
    checks = [
        Check("disk", Outcome(Level.WARNING, "little room", "Make some.")),
        Check("clock", Outcome(Level.OK, "today")),
    ]
    assert checks_table(checks).rows == (
        ("disk", "warning", "little room", "Make some."),
        ("clock", "ok", "today", ""),
    )
    assert checks_json(checks) == {
        "problems": [],
        "checks": [
            {"name": "disk", "verdict": "warning", "found": "little room", "remedy": "Make some."},
            {"name": "clock", "verdict": "ok", "found": "today", "remedy": ""},
        ],
    }
