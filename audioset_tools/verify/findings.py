"""What can be wrong with a workspace, in the one shape in which clips and shards report it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from ..manifest.compare import Comparison, comparison_json
from ..tasks.engine import Engine
from ..tasks.part import WHOLE, ArrayPart
from ..types import OnProgress, Table, silent
from ..workspace import Workspace, printable

_EXAMPLES = 3


class Kind(StrEnum):
    """What can be wrong with a workspace."""

    MISSING = "missing"
    """A file that is on record is not there."""
    DAMAGED = "damaged"
    """The file is not the one that was written."""
    WRONG_LENGTH = "wrong length"
    """A sound of some other length than ten seconds."""
    WRONG_ROW = "wrong row"
    """A row of a shard whose clip, class, split or noise copies are not those of `dataset.csv`."""
    OUT_OF_DATE = "out of date"
    """A shard was made from other clips, or with other settings, than there are now."""
    UNFINISHED = "unfinished"
    """A folder of shards that featurize did not complete."""
    ORPHANED = "orphaned"
    """A file of which there is no record."""
    DUPLICATE = "duplicate audio"
    """The same samples under several keys: harmless here, as re-uploads are."""
    LEDGER = "ledger"
    """The ledger contradicts itself."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a workspace is looked at.

    Args:
        workspace: whose clips and shards are meant.
        by: the engine that reads them.
        deep: read every byte instead of sizes, headers and small columns.
        part: which share of them is looked at. What concerns all at once the first looks at.
        on_progress: called after some clips, and after each shard.
    """

    workspace: Workspace
    by: Engine
    deep: bool = False
    part: ArrayPart = WHOLE
    on_progress: OnProgress = silent


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is odd.

    Args:
        kind: decides where it stands in tables.
        path: where, below the workspace; empty for the ledger.
        detail: what is to be seen there; follows the path in a sentence.
        remedy: what to do about it; empty if nothing need be done.
    """

    kind: Kind
    path: str
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Args:
        clips: how many are on record in the ledger.
        shards: how many there are on disk.
        findings: all that is odd.
        left: those of them that are wrong and not put right.
        queued: candidates that were put back in the queue.
        set_aside: where files lie now that were in a clip's place, below the workspace.
        removed: shards and half-written files that were removed, below the workspace.
        against: how it compares with a manifest; None where none was given.
    """

    clips: int = 0
    shards: int = 0
    findings: tuple[Finding, ...] = ()
    left: tuple[Finding, ...] = ()
    queued: int = 0
    set_aside: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    against: Comparison | None = None

    def __add__(self, other: "Report") -> "Report":
        """Both together."""
        return Report(
            self.clips + other.clips,
            self.shards + other.shards,
            self.findings + other.findings,
            self.left + other.left,
            self.queued + other.queued,
            self.set_aside + other.set_aside,
            self.removed + other.removed,
            self.against or other.against,
        )


def count_kinds(findings: Iterable[Finding]) -> str:
    """How many there are of each kind, in words."""
    kinds = [finding.kind for finding in findings]
    return ", ".join(f"{kinds.count(kind):,} {kind}" for kind in Kind if kind in kinds)


def remedies(findings: Iterable[Finding]) -> tuple[str, ...]:
    """What to do about some findings, each thing once."""
    return tuple(dict.fromkeys(finding.remedy for finding in findings if finding.remedy))


def findings_table(report: Report) -> Table:
    """What was found, by kind and by what to do about it, with examples."""
    groups: dict[tuple[Kind, str], list[Finding]] = {}
    for kind in Kind:
        for finding in report.findings:
            if finding.kind is kind:
                groups.setdefault((kind, finding.remedy), []).append(finding)
    rows = []
    for (kind, remedy), found in groups.items():
        examples = [" ".join(filter(None, (printable(f.path), f.detail))) for f in found[:_EXAMPLES]]
        more = f"; and {len(found) - _EXAMPLES:,} more" if len(found) > _EXAMPLES else ""
        rows.append((str(kind), f"{len(found):,}", "; ".join(examples) + more, remedy))
    return Table("Findings", ("kind", "count", "examples", "what to do"), tuple(rows))


def report_json(report: Report) -> dict[str, Any]:
    """The same for `--json`, with every finding."""
    against = None if report.against is None else comparison_json(report.against)
    ok = not report.left and (report.against is None or report.against.alike)
    return {"ok": ok, **asdict(replace(report, against=None)), "against": against}
