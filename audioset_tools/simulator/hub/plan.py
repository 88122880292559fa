"""How the simulated Hub behaves: whom it lets in, what it refuses, how long its signed addresses last."""

from dataclasses import dataclass
from typing import Any, Literal

from ...exceptions import UsageError

Gate = Literal["open", "gated", "private", "disabled", "gone"]
"""Who may read a data set: all; who accepted its terms; its owner; nobody; it is not there."""

ODD_RANGES = (
    "ignored",
    "elsewhere",
    "larger",
    "short",
    "reset",
    "endless",
    "html",
    "refused",
    "unavailable",
)
"""What may be wrong with a part of a file: the whole file with status 200, another part, more than is there,
half of it, a connection that breaks, no end, a page, 403 whatever the address, 503."""


@dataclass(frozen=True, slots=True)
class HubRefusal:
    """The `at`-th request (from 1) and all in the next `seconds` are answered 429.

    Args:
        at: which request to the Hub, or to the storage, sets it off.
        seconds: how long it lasts from that request on.
        told: how the time is told: "RateLimit" (the Hub's own), "Retry-After", or "" for not at all.
        of_storage: whether the storage refuses, not the Hub.
        status: in place of 429.
    """

    at: int
    seconds: float
    told: str = "RateLimit"
    of_storage: bool = False
    status: int = 429


@dataclass(frozen=True, slots=True)
class HubPlan:
    """How the simulated Hub behaves. Every field has a default: a public data set, nothing refused.

    Args:
        seed: of what happens by chance.
        gate: who may read the data set.
        granted: tokens that may where not everybody may.
        branches: revision -> commit, besides `main`.
        chance_503: probability with which a request, of either kind, is answered 503.
        refusals: 429 from a certain request on.
        link_uses, link_seconds: how long a signed address lasts; None for ever.
        gone_at: the request to the Hub from which on the data set is taken down; None for never.
        changes_at: the signed address (counted from 1) from which on every file is another
            one; None for never.
        odd: what is wrong with parts, one of `ODD_RANGES`, or "".
        odd_share: of the parts that are read, which that concerns.
        page: entries of the tree in one answer.
        more: further entries of the tree, as the Hub writes them.
        tree_ends: whether the tree has a last page.
        latency_s: wait before each answer.
    """

    seed: int = 0
    gate: Gate = "open"
    granted: frozenset[str] = frozenset()
    branches: tuple[tuple[str, str], ...] = ()
    chance_503: float = 0.0
    refusals: tuple[HubRefusal, ...] = ()
    link_uses: int | None = None
    link_seconds: float | None = None
    gone_at: int | None = None
    changes_at: int | None = None
    odd: str = ""
    odd_share: float = 1.0
    page: int = 1_000
    more: tuple[dict[str, Any], ...] = ()
    tree_ends: bool = True
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        if self.odd and self.odd not in ODD_RANGES:
            raise UsageError(f"no part is {self.odd!r}", f"Use one of: {', '.join(ODD_RANGES)}.")
