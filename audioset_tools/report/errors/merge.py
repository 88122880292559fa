"""From the answers of several people to one verdict a clip, by the paper's rule or by bare majority."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .answers import Answer, Cause, latest
from .mistakes import Mistake


class Rule(StrEnum):
    """How several answers for a clip become one."""

    PAPER = "paper"
    """As the paper's section 5 says it: see `_by_paper`."""
    MAJORITY = "majority"
    """The cause that most people named."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What people found about a clip.

    Args:
        mistake: the clip.
        answers: those with a cause, one an annotator, by name.
        causes: the one that the rule gives; several where they are tied, in Table 3's order.
    """

    mistake: Mistake
    answers: tuple[Answer, ...]
    causes: tuple[Cause, ...]

    @property
    def tied(self) -> bool:
        return len(self.causes) > 1


@dataclass(frozen=True, slots=True)
class Verdicts:
    """All verdicts of a run.

    Args:
        clips: in the order of the predictions; those that nobody named a cause for are not among them.
        stale: how many answers were left out, since the run predicted otherwise when they were given.
    """

    clips: tuple[Verdict, ...]
    stale: int


def merge(mistakes: Iterable[Mistake], answers: Iterable[Answer], rule: Rule = Rule.PAPER) -> Verdicts:
    """Make one verdict a clip of everybody's last answers.

    Args:
        mistakes: of the run.
        answers: in the order in which they were stored; older ones of the same annotator do not count.
        rule: how.
    """
    asked = {one.key: one for one in mistakes}
    by_key: dict[str, list[Answer]] = {}
    stale = 0
    for _, answer in sorted(latest(answers).items()):
        mistake = asked.get(answer.key)
        if mistake is None or (mistake.actual, mistake.predicted) != (answer.actual, answer.predicted):
            stale += 1
        elif answer.cause is not None:
            by_key.setdefault(answer.key, []).append(answer)
    verdicts = [
        Verdict(mistake, tuple(given), decide([one.cause for one in given if one.cause], rule))
        for key, mistake in asked.items()
        if (given := by_key.get(key))
    ]
    return Verdicts(tuple(verdicts), stale)


def decide(causes: Iterable[Cause], rule: Rule) -> tuple[Cause, ...]:
    """The verdict on a clip; more than one cause where they are tied.

    Args:
        causes: what each annotator named; at least one.
        rule: how.
    """
    votes = Counter(causes)
    return _most(_by_paper(votes) if rule is Rule.PAPER else votes)


def _by_paper(votes: Counter[Cause]) -> Mapping[Cause, int]:
    """What people said, in the meaning that the paper gives to two of its causes (section 5).

    "Mislabeled": all of the people would classify the clip as the model did. So it takes everybody; where
    only some say so, some heard the predicted class and others did not, which is what the paper calls "Sounds
    like predicted class": at least one person in five heard the predicted class, the rest the labelled one.
    "Other" names nothing that was heard, so whoever says so takes the clip for what it is labelled: beside
    them, one who heard the predicted class is enough. "Other sounds" and "Unlabelled instrument" are
    explanations of their own, and the paper says nothing about those whom they compete with: there the
    majority decides.
    """
    if set(votes) == {Cause.MISLABELLED}:
        return votes
    told: dict[Cause, int] = {cause: n for cause, n in votes.items() if cause is not Cause.MISLABELLED}
    heard = votes[Cause.MISLABELLED] + votes[Cause.SOUNDS_LIKE]
    if heard:
        told[Cause.SOUNDS_LIKE] = heard
    if set(told) == {Cause.SOUNDS_LIKE, Cause.OTHER}:
        return {Cause.SOUNDS_LIKE: heard}
    return told


def _most(votes: Mapping[Cause, int]) -> tuple[Cause, ...]:
    most = max(votes.values())
    return tuple(cause for cause in Cause if votes.get(cause) == most)
