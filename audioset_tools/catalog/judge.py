"""Whether a clip belongs to a class: a pure function of its labels, the recipe and the ontology."""

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
    OTHER_CLASS = "label of another class"
    OTHER_INSTRUMENT = "another instrument"
    AMBIGUOUS = "might be another class"
    NO_POOL = "fits no pool"


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
        return self._single_instrument(mids, rule) if rule.include else self._everything_else(mids, rule)

    def _single_instrument(self, mids: frozenset[str], rule: ClassRule) -> Verdict:
        if not mids & rule.include:
            return _NO_LABEL
        if rejected := mids & self.rejected:
            return Verdict(Outcome.REJECTED_LABEL, rejected)
        if foreign := mids & (self.included - rule.include):
            return Verdict(Outcome.OTHER_CLASS, foreign)
        if others := (mids & self.instruments) - rule.include - rule.transparent - self.transparent:
            return Verdict(Outcome.OTHER_INSTRUMENT, others)
        return Verdict(Outcome.KEPT, mids & rule.include, tier=self._tier(mids, rule))

    def _tier(self, mids: frozenset[str], rule: ClassRule) -> int:
        """3: only music labels; 2: no speech; 1: no voice at all but perhaps speech; 0: the rest."""
        if mids & self.vocal:
            return 0
        if mids & self.speech:
            return 1
        return 3 if mids <= self.music | rule.include else 2

    def _everything_else(self, mids: frozenset[str], rule: ClassRule) -> Verdict:
        if rejected := mids & self.rejected:
            return Verdict(Outcome.REJECTED_LABEL, rejected)
        if foreign := mids & self.included:
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
