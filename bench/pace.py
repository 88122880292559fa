"""How much of a limit that nobody tells the pace uses in a week, and how often it is locked out.

    python bench/pace.py            # both tables
    python bench/pace.py chance     # the second one

The remote is modelled: a token bucket that locks out for an hour whoever empties it, and says for how long in
one column. Beside our pace stands what people do without one: asking at the published allowance for ever, and
asking every two seconds whatever is answered; each pauses as we do. Nothing is sent and no time passes.

The second table is about refusals that have nothing to do with the rate: how many days 9,600 clips take, and
how often a limit, if there is one, locks out. Beside it stands the law of before, that took every refusal for
the limit's.
"""

import sys
from dataclasses import replace

from weeks import HOUR, Remote, Week, week

from audioset_tools.sources.pace import parse_pace
from audioset_tools.sources.rate import PacePolicy
from audioset_tools.types import Reason

BURSTS = (1, 20, 100)
LIMITS = {"guest": (200, 310, 400, 600, 800, 950), "account": (700, 1_100, 2_000, 3_900)}
ALLOWANCE = PacePolicy(start=300, most=300, least=300)
FAST = PacePolicy(start=1_800, most=1_800, least=1_800)
CHANCE = (0.0, 0.01, 0.05, 0.2, 0.6)
CLIPS = 9_600
WORDS = (Reason.BOT_CHECK, Reason.TOO_MANY_REQUESTS)
REMOTES = {
    "none": Remote(),
    "600/h, for an hour": Remote(600, 100),
    "600/h, for 10 minutes": Remote(600, 100, lockout=600),
    "600/h, for a minute": Remote(600, 100, lockout=60),
}


def cell(found: Week, limit: int, most: float, allowed: float) -> str:
    """The share of what is allowed to our pace, whatever this one's own bound, and the lock-outs."""
    return f"{found.share * min(limit, most) / min(limit, allowed):>7.1%} {found.lockouts:>4}"


def limits() -> None:
    """Print what is used of limits."""
    heads = ("ours", "ours, told", "300/h", "1800/h")
    print(f"{'pace':>8} {'limit/h':>8} {'burst':>6} " + " ".join(f"{head:>12}" for head in heads))
    for name, allowed in LIMITS.items():
        for limit in allowed:
            for burst in BURSTS:
                ours = parse_pace(name)
                ways = ((ours, False), (ours, True), (ALLOWANCE, False), (FAST, False))
                cells = (
                    cell(week(policy, Remote(limit, burst, retry_after=told)), limit, policy.most, ours.most)
                    for policy, told in ways
                )
                print(f"{name:>8} {limit:>8,} {burst:>6} " + " ".join(cells), flush=True)


def chance() -> None:
    """Print what refusals by chance cost a guest: days, share of what is left, lock-outs."""
    heads = (*(f"ours, {words}" for words in WORDS), "before")
    print(f"{'by chance':>9} {'limit, lock-out':>22} " + " ".join(f"{head:>23}" for head in heads))
    for name, remote in REMOTES.items():
        for share in CHANCE:
            ways = ((WORDS[0], False), (WORDS[1], False), (WORDS[0], True))
            cells = []
            for words, credulous in ways:
                asked = replace(remote, chance=share, reason=words)
                found = week(
                    parse_pace("guest"), asked, seconds=9_600 * HOUR, clips=CLIPS, credulous=credulous
                )
                cells.append(f"{found.seconds / 24 / HOUR:>8.2f} d {found.share:>6.1%} {found.lockouts:>5}")
            print(f"{share:>9.0%} {name:>22} " + " ".join(cells), flush=True)


def main() -> None:
    """Print the tables."""
    if sys.argv[1:] != ["chance"]:
        limits()
    chance()


if __name__ == "__main__":
    main()
