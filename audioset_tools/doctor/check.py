"""A check and its outcome, and the table of all checks for people and for programs."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ..exceptions import AudiosetToolsError
from ..installing import install
from ..types import Table


class Level(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARNING = "warning"
    """Fetching works, but not as well or not for long, or the check found nothing out."""
    PROBLEM = "problem"
    """Fetching cannot work, or loses what it fetched."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found, and what to do about it; nothing to do where all is well."""

    verdict: Level
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what came of it."""

    name: str
    finding: Outcome


def guarded(name: str, look: Callable[[], Outcome]) -> Check:
    """Run a check; that it fails, or that a package it needs is missing, is itself a finding."""
    (check,) = guarded_all(name, lambda: [Check(name, look())])
    return check


def guarded_all(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    """The same for a check of several rows."""
    try:
        return look()
    except AudiosetToolsError as error:
        finding = Outcome(Level.PROBLEM, error.what, error.remedy)
    except ImportError as error:
        finding = Outcome(
            Level.PROBLEM,
            f"a package is missing or broken: {error}",
            f"Install it again: {install(options='--force-reinstall')}",
        )
    except OSError as error:
        finding = Outcome(
            Level.PROBLEM, f"the check itself failed: {error}", "Look at the disk and at permissions."
        )
    return [Check(name, finding)]


def problems(checks: Iterable[Check]) -> list[str]:
    """The names of the checks that found a problem."""
    return [check.name for check in checks if check.finding.verdict is Level.PROBLEM]


def checks_table(checks: Iterable[Check]) -> Table:
    """All checks, for people."""
    rows = tuple(
        (check.name, check.finding.verdict.value, check.finding.found, check.finding.remedy)
        for check in checks
    )
    return Table("Checks", ("what", "verdict", "found", "what to do"), rows)


def checks_json(checks: list[Check]) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "problems": problems(checks),
        "checks": [{"name": check.name, **asdict(check.finding)} for check in checks],
    }
