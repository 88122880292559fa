"""Where a recipe and the ontology meet: names become `mid`s, and a label stands for what lies below it.

Afterwards two recipes that mean the same are the same, with one digest, be a label written as "Dog" or as
"/m/0bt9lr", and be what lies below it left to the ontology or written out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from ..exceptions import UsageError
from .ontology import Ontology, folded
from .recipe import ClassRule, Recipe, refuse_included_twice

_MOST_TOLD = 5
"""So many labels that cannot be resolved are told of."""


def resolve(recipe: Recipe, ontology: Ontology) -> Recipe:
    """The same recipe with `mid`s in place of names, and with what its labels stand for written out.

    With `descendants` a class includes all below its labels, and all above them is transparent for it. A
    label that the recipe itself names elsewhere keeps what it says there, with all below it. What is then
    reached from two classes names neither, and is transparent for both: a growl may be a dog's or a cat's.
    What is rejected reaches down likewise. With `propagate` a class reaches also what another has below it.

    Raises:
        UsageError: a name is no label's, or that of several; the ontology lacks a `mid`; or two classes
            include one label.
    """
    if not recipe.resolved:
        recipe = _with_mids(recipe, find_mids(recipe.labels, ontology, f"recipe {recipe.name}"))
        try:
            refuse_included_twice(recipe)
        except ValueError as error:
            raise UsageError(
                f"recipe {recipe.name}: {error}", "A label belongs to one class at most."
            ) from error
    if unknown := sorted(recipe.labels - ontology.names.keys()):
        raise UsageError(
            f"recipe {recipe.name} uses labels that the ontology lacks: {', '.join(unknown[:5])}",
            "Correct the mids, or use the ontology.json that belongs to the lists.",
        )
    return _with_descendants(recipe, ontology) if recipe.descendants else recipe


def find_mids(labels: Iterable[str], ontology: Ontology, who: str) -> dict[str, str]:
    """The `mid` of each label by how it is written.

    Args:
        labels: display names in any case, or `mid`s; what only looks like one is left for its user to refuse.
        ontology: whose labels they are.
        who: uses them, as an error says it.

    Raises:
        UsageError: a name is no label's, or that of several.
    """
    called: dict[str, list[str]] = {}
    for mid, name in ontology.names.items():
        called.setdefault(folded(name), []).append(mid)
    found, troubles = {}, []
    for label in sorted(labels):
        mids = [label] if label.startswith("/") else called.get(folded(label), [])
        if len(mids) == 1:
            found[label] = mids[0]
        elif mids:
            troubles.append(f"{label!r} is the name of several: {', '.join(mids)}")
        elif len(troubles) < _MOST_TOLD:
            similar = " or ".join(map(repr, ontology.similar(label)))
            shown = label[:80]
            troubles.append(f"{shown!r}" + (f" (perhaps {similar}?)" if similar else ""))
    if troubles:
        told = "; ".join(troubles[:_MOST_TOLD])
        raise UsageError(
            f"{who} names what is no label of AudioSet's: {told}",
            "`audioset-tools select --labels WORD` searches the names; a mid such as /m/0bt9lr will do too.",
        )
    return found


def _with_mids(recipe: Recipe, mids: Mapping[str, str]) -> Recipe:
    def named(labels: frozenset[str]) -> frozenset[str]:
        return frozenset(mids[label] for label in labels)

    return replace(
        recipe,
        classes=tuple(
            replace(rule, include=named(rule.include), transparent=named(rule.transparent))
            for rule in recipe.classes
        ),
        instrument_root=None if recipe.instrument_root is None else mids[recipe.instrument_root],
        transparent=named(recipe.transparent),
        rejected=named(recipe.rejected),
        music=named(recipe.music),
        speech=named(recipe.speech),
        vocal=named(recipe.vocal),
    )


def _with_descendants(recipe: Recipe, ontology: Ontology) -> Recipe:
    rules = recipe.classes
    own = [*(rule.include for rule in rules), recipe.rejected]
    included = frozenset[str]().union(*own[:-1])
    elsewhere = recipe.transparent | recipe.rejected | (frozenset() if recipe.propagate else included)
    barred = [*(elsewhere | rule.transparent for rule in rules), recipe.transparent | included]
    reached = [
        _reached(ontology, labels, others - labels) for labels, others in zip(own, barred, strict=True)
    ]
    shared = _shared(own, reached, recipe.propagate)
    return replace(
        recipe,
        descendants=False,
        classes=tuple(
            _expanded(rule, reached[number], shared[number], ontology) for number, rule in enumerate(rules)
        ),
        rejected=reached[-1] - shared[-1],
    )


def _expanded(
    rule: ClassRule, reached: frozenset[str], shared: frozenset[str], ontology: Ontology
) -> ClassRule:
    if not rule.include:
        return rule
    above = ontology.above(*rule.include) - reached
    return replace(rule, include=reached - shared, transparent=rule.transparent | shared | above)


def _reached(ontology: Ontology, labels: frozenset[str], barred: frozenset[str]) -> frozenset[str]:
    """The labels and all below them, but what is barred, and what is reached only through that."""
    found: set[str] = set()
    pending = list(labels)
    while pending:
        mid = pending.pop()
        if mid not in found and mid not in barred:
            found.add(mid)
            pending.extend(ontology.children.get(mid, ()))
    return frozenset(found)


def _shared(
    own: Sequence[frozenset[str]], reached: Sequence[frozenset[str]], propagate: bool
) -> list[frozenset[str]]:
    """What each class reaches and does not get, as another reaches it too."""
    reaching: dict[str, list[int]] = {}
    for number, mids in enumerate(reached):
        for mid in mids:
            reaching.setdefault(mid, []).append(number)
    shared: list[set[str]] = [set() for _ in reached]
    for mid, numbers in reaching.items():
        for one, other in permutations(numbers, 2):
            if mid not in own[one] and not (propagate and _nested(one, other, own, reached)):
                shared[one].add(mid)
    return list(map(frozenset, shared))


def _nested(one: int, other: int, own: Sequence[frozenset[str]], reached: Sequence[frozenset[str]]) -> bool:
    """Whether all that one class names lies in the other, or the other way round."""
    return own[one] <= reached[other] or own[other] <= reached[one]
