"""Every regular expression of the package takes time linear in what it is given: that may be a stranger's.

Python's `re` holds the interpreter's lock, so that while it backtracks no signal is answered and no other
thread runs. Each pattern is therefore given its own parts many times over, as far as it likes them and then
something that it does not; what takes four times as long for twice as much fails.
"""

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import pytest

from audioset_tools.catalog import lists
from audioset_tools.sources import reasons
from tests.test_architecture import MODULES, tree

METHODS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}

UNRESOLVED = {
    ("sources/reasons", "search"): [sign.words for sign in reasons._TABLE if sign.words],
    ("catalog/lists", "fullmatch"): [form.decode() for form in lists._HEADER_LINES],
}
"""Patterns that are handed over in a variable: what all of them can be."""

FEWEST, LENGTH, AT_ONCE_S, TWICE = 1_500, 8_000, 0.005, 3.0
"""So often a part is repeated at least, to so many characters at least; CPU seconds that raise no doubt; how
much longer twice as many may take."""


class Use(NamedTuple):
    """A pattern, and by which of `re`'s functions it is used where."""

    module: str
    method: str
    pattern: str
    flags: int


def resolved(node: ast.expr, module: str) -> Any:
    """What an expression of a module's is; None where it depends on a variable."""
    names = vars(importlib.import_module(f"audioset_tools.{module.replace('/', '.')}"))
    try:
        return eval(compile(ast.Expression(node), module, "eval"), dict(names))
    except NameError:
        return None


def text_of(pattern: Any) -> tuple[str, int]:
    compiled = re.compile(pattern)
    source = compiled.pattern
    if isinstance(source, bytes):
        return source.decode("latin-1"), compiled.flags & ~re.UNICODE | re.ASCII
    return source, compiled.flags


def calls(module: str) -> Iterator[tuple[ast.Attribute, list[ast.expr]]]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func, node.args


@cache
def uses() -> tuple[Use, ...]:
    """Every use of a pattern in the package."""
    found: set[Use] = set()
    constants: list[tuple[str, str, Any]] = []
    for module in MODULES:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                for inner in ast.walk(node.value):
                    if is_re(inner, "compile"):
                        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                        assert isinstance(target, ast.Name), f"{module}: {ast.unparse(node)}"
                        constants.append((target.id, module, resolved(inner, module)))
    methods: dict[str, set[str]] = {name: set() for name, _, _ in constants}
    for module in MODULES:
        for function, arguments in calls(module):
            if is_re_name(function.value) and function.attr in METHODS:
                pattern = resolved(arguments[0], module)
                flags = sum(int(resolved(one, module)) for one in arguments[1:] if "re." in ast.unparse(one))
                given = UNRESOLVED[module, function.attr] if pattern is None else [pattern]
                for one in given:
                    text, own = text_of(one)
                    own &= ~re.UNICODE if flags & re.ASCII else own
                    found.add(Use(module, function.attr, text, own | flags))
            elif function.attr in METHODS:
                for name in methods.keys() & {last_name(function.value)}:
                    methods[name].add(function.attr)
    for name, module, compiled in constants:
        text, flags = text_of(compiled)
        # One in a table, or used in a way that is not seen here, is searched for: that takes longest.
        found |= {Use(module, method, text, flags) for method in methods[name] or {"search"}}
    return tuple(sorted(found))


def is_re_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "re"


def is_re(node: ast.AST, method: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and is_re_name(node.func.value)
    )


def last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


CATEGORIES = {op.CATEGORY_DIGIT: "0", op.CATEGORY_SPACE: " \n", op.CATEGORY_WORD: "a0",
              op.CATEGORY_NOT_DIGIT: "a", op.CATEGORY_NOT_SPACE: "a", op.CATEGORY_NOT_WORD: " "}  # fmt: skip
LIKELY = "/a0 .=?:[]<>\"'-_@;,\n\x00Z"


def members(inside: list[Any]) -> str:
    """Some characters of a class."""
    if inside[0][0] is op.NEGATE:
        excluded = re.compile("[" + "".join(re.escape(c) for c in LIKELY if matches(inside[1:], c)) + "\x01]")
        return "".join(c for c in LIKELY if not excluded.match(c))[:4]
    found = "".join(c for c in LIKELY if matches(inside, c))
    return (found or chr(inside[0][1] if inside[0][0] is op.LITERAL else inside[0][1][0]))[:4]


def matches(inside: list[Any], character: str) -> bool:
    for kind, value in inside:
        if kind is op.LITERAL and chr(value) == character:
            return True
        if kind is op.RANGE and value[0] <= ord(character) <= value[1]:
            return True
        if kind is op.CATEGORY and character in CATEGORIES[value]:
            return True
    return False


def examples(items: Any) -> list[str]:
    """Texts that a part of a pattern matches."""
    whole = [""]
    for kind, value in items:
        parts = _examples(kind, value)[:4]
        whole = [text + part for text in whole for part in parts][:4]
    return whole


def _examples(kind: Any, value: Any) -> list[str]:
    if kind is op.LITERAL:
        return [chr(value)]
    if kind is op.NOT_LITERAL:
        return [next(c for c in LIKELY if c != chr(value))]
    if kind is op.ANY:
        return ["a"]
    if kind is op.IN:
        return list(members(value))
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        least, _, inner = value
        return [text * max(1, least) for text in examples(inner)]
    if kind is op.SUBPATTERN:
        return examples(value[3])
    if kind is op.BRANCH:
        return [text for branch in value[1] for text in examples(branch)]
    if kind is op.ATOMIC_GROUP:
        return examples(value)
    return [""]


def attacks(items: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """What stands before a part of a pattern, and the part, to be repeated."""
    items = list(items)
    for text in examples(items):
        yield before, text
    for at, (kind, value) in enumerate(items):
        left = before + examples(items[:at])[0]
        for text in _examples(kind, value):
            yield left, text
            yield "", text
        for inner in inner_parts(kind, value):
            yield from attacks(inner, left)
        if inner_parts(kind, value):
            # What leads up to a part that repeats, again and again, each time to be tried from there.
            yield "", left
            yield "", left + examples(items[at : at + 1])[0]
    for first, second in pairwise(items):
        for text in examples([first, second]):
            yield "", text


def inner_parts(kind: Any, value: Any) -> list[Any]:
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return [value[2]]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind is op.BRANCH:
        return list(value[1])
    return []


def seconds(run: Callable[[str], object], before: str, part: str, copies: int, times: int = 1) -> float:
    """CPU seconds that a pattern takes at best."""
    least = float("inf")
    for _ in range(times):
        text = before + part * copies + "\x02"
        began = time.thread_time()
        run(text)
        least = min(least, time.thread_time() - began)
    return least


def slow_attack(use: Use) -> str | None:
    """A text for which a use of a pattern takes more than linear time; None if none was found."""
    pattern = re.compile(use.pattern, use.flags)
    method = getattr(pattern, use.method)

    def run(text: str) -> object:
        if use.method in ("sub", "subn"):
            return method("", text)
        found = method(text)
        return list(found) if use.method == "finditer" else found

    for before, part in sorted(set(attacks(_parser.parse(use.pattern, use.flags)))):
        if not part:
            continue
        # What is exponential would never end: it shows with few.
        for copies in (12, 22, 200, max(FEWEST, LENGTH // len(part))):
            if seconds(run, before, part, copies) > AT_ONCE_S:
                half = seconds(run, before, part, copies // 2, times=2)
                if seconds(run, before, part, copies, times=2) > TWICE * max(half, 1e-4):
                    return f"{before!r} + {part!r} * {copies}"
    return None


BY_TEXT = [
    name
    for name, path in MODULES.items()
    if re.search(r"\bre\.(compile|" + "|".join(METHODS) + r")\(", path.read_text())
]
"""The modules that use patterns, as a search of their text finds them."""


@pytest.mark.parametrize("module", BY_TEXT)
def test_every_pattern_takes_linear_time(module: str) -> None:
    slow = {use.pattern: attack for use in uses() if use.module == module and (attack := slow_attack(use))}
    assert slow == {}


def test_all_patterns_are_found() -> None:
    """As many as a search of the text finds; and none hides behind another name of `re`."""
    assert {*BY_TEXT} == {use.module for use in uses()}
    for name in MODULES:
        for node in ast.walk(tree(name)):
            assert not (isinstance(node, ast.ImportFrom) and node.module == "re"), name
            assert not (isinstance(node, ast.Import) and any(a.name == "re" and a.asname for a in node.names))


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"onnect to proxy.*(EOF)", "search"),
        (r"(a+)+b", "fullmatch"),
        (r"a*a*b", "match"),
        (r"^(?:\[[^\]]*\] )+", "search"),
        (r"[^/]+/[^;]+;", "fullmatch"),
        (r"account .{0,100}terminated", "search"),
    ],
)
def test_the_measure_tells_what_is_slow(pattern: str, method: str) -> None:
    linear = {r"^(?:\[[^\]]*\] )+", r"[^/]+/[^;]+;", r"account .{0,100}terminated"}
    assert (slow_attack(Use("", method, pattern, 0)) is None) is (pattern in linear)
