"""Whether a clip belongs to a class: a pure function of its labels, the recipe and the ontology.

`TOO_SHORT` and `RARER_CLASS` are not the judge's to say, who sees labels alone: `select` does.
"""

from dataclasses import dataclass
from enum import StrEnum

from ..errors import UsageError
from .labels import Ontology
from .recipe import ClassRule, Pool, Recipe

TIERS = 4
"""Tiers 3 (cleanest) to 0; each is a subset of the one below."""


class Outcome(StrEnum):
    """What became of a row, as one class sees it."""

    KEPT = "kept"
    NO_LABEL = "no label of the class"
    REJECTED_LABEL = "rejected label"
    ANCESTOR = "only an ancestor's label"
    OTHER_CLASS = "label of another class"
    OTHER_INSTRUMENT = "another instrument"
    AMBIGUOUS = "might be another class"
    NO_POOL = "fits no pool"
    TOO_SHORT = "too short"
    RARER_CLASS = "drawn for a rarer class"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One class's judgement of one label set.

    `because` are the labels that decided it, `pool` and `tier` are 0 unless the outcome is KEPT.
    """

    outcome: Outcome
    because: frozenset[str] = frozenset()
    tier: int = 0
    pool: int = 0


# What nearly every row gets: made once.
_NO_LABEL = Verdict(Outcome.NO_LABEL)


class Judge:
    """A recipe expanded by the ontology, ready to judge label sets.

    Args:
        recipe: what the classes are.
        ontology: what lies below what.

    Raises:
        UsageError: the recipe uses a label that the ontology lacks.
    """

    def __init__(self, recipe: Recipe, ontology: Ontology) -> None:
        self.ontology = ontology
        self.rejected = recipe.rejected
        self.multi_label = recipe.multi_label
        self.classes = recipe.classes
        self.transparent = recipe.transparent
        self.included = frozenset().union(*(rule.include for rule in recipe.classes))
        # A bare "Keyboard" may be a piano: not safely anything else.
        self.ambiguous = frozenset().union(*(rule.transparent for rule in recipe.classes))
        # "Musical instrument" itself names no instrument.
        self.instruments = ontology.subtree(recipe.instrument_root) - {recipe.instrument_root}
        self.music = ontology.subtree(*recipe.music)
        self.speech = ontology.subtree(*recipe.speech)
        self.vocal = ontology.subtree(*recipe.vocal)
        used = self.rejected | self.transparent | self.included | self.ambiguous
        used |= {recipe.instrument_root} | recipe.music | recipe.speech | recipe.vocal
        if unknown := sorted(used - ontology.names.keys()):
            raise UsageError(
                f"recipe {recipe.name} uses labels that the ontology lacks: {', '.join(unknown[:5])}",
                "Correct the mids, or use the ontology.json that belongs to the lists.",
            )

    def verdict(self, mids: frozenset[str], rule: ClassRule) -> Verdict:
        """Judge one label set for one class."""
        if not rule.include:
            return self._everything_else(mids, rule)
        if not mids & rule.include:
            return _NO_LABEL
        if rejected := mids & self.rejected:
            return Verdict(Outcome.REJECTED_LABEL, rejected)
        named = self._named(mids)
        if not named & rule.include:
            return Verdict(Outcome.ANCESTOR, mids & rule.include)
        trouble = self._uncertain(mids, named) if self.multi_label else self._not_alone(mids, named, rule)
        return trouble or Verdict(Outcome.KEPT, named & rule.include, tier=self._tier(mids - self.included))

    def _named(self, mids: frozenset[str]) -> frozenset[str]:
        """The labels that name a class: beside "Electric piano" its ancestor "Piano" does not."""
        if not mids & self.included:
            return frozenset()
        return self.ontology.most_specific(mids & (self.instruments | self.included)) & self.included

    def _not_alone(self, mids: frozenset[str], named: frozenset[str], rule: ClassRule) -> Verdict | None:
        """What keeps a clip out of a class that must be the only instrument."""
        if foreign := named - rule.include:
            return Verdict(Outcome.OTHER_CLASS, foreign)
        if others := (mids & self.instruments) - rule.include - rule.transparent - self.transparent:
            return Verdict(Outcome.OTHER_INSTRUMENT, others)
        return None

    def _uncertain(self, mids: frozenset[str], named: frozenset[str]) -> Verdict | None:
        """What keeps a clip out of all classes if it may carry several: a label that might be one more."""
        carried = [rule.transparent for rule in self.classes if named & rule.include]
        specific = self.ontology.most_specific(mids & self.instruments) - self.included
        if ambiguous := specific & self.ambiguous.difference(*carried):
            return Verdict(Outcome.AMBIGUOUS, ambiguous)
        return None

    def _tier(self, besides: frozenset[str]) -> int:
        """By the labels of no class: 3 only music; 2 no speech; 1 no voice but perhaps speech; 0 the rest."""
        if besides & self.vocal:
            return 0
        if besides & self.speech:
            return 1
        return 3 if besides <= self.music else 2

    def _everything_else(self, mids: frozenset[str], rule: ClassRule) -> Verdict:
        if rejected := mids & self.rejected:
            return Verdict(Outcome.REJECTED_LABEL, rejected)
        if foreign := self._named(mids):
            return Verdict(Outcome.OTHER_CLASS, foreign)
        specific = self.ontology.most_specific(mids & self.instruments)
        if ambiguous := specific & self.ambiguous:
            return Verdict(Outcome.AMBIGUOUS, ambiguous)
        for number, pool in enumerate(rule.pools):
            if self._fits(mids, len(specific), pool):
                return Verdict(Outcome.KEPT, mids, pool=number)
        return Verdict(Outcome.NO_POOL, specific)

    def _fits(self, mids: frozenset[str], instruments: int, pool: Pool) -> bool:
        least, most = pool.instruments
        return (
            least <= instruments <= most
            and (pool.music or not mids & self.music)
            and (pool.vocal or not mids & self.vocal)
        )
