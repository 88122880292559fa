"""How much of a limit that nobody tells the pace uses in a week, and how often it is locked out.

    python bench/pace.py

The remote is modelled: a token bucket that locks out for an hour whoever empties it, and says for how long in
one column. Beside our pace stands what people do without one: asking at the published allowance for ever, and
asking every two seconds whatever is answered; each pauses as we do. Nothing is sent and no time passes.
"""

from weeks import Week, week

from audioset_tools.fetch.pace import parse_pace
from audioset_tools.fetch.rate import PacePolicy

BURSTS = (1, 20, 100)
LIMITS = {"guest": (200, 310, 400, 600, 800, 950), "account": (700, 1_100, 2_000, 3_900)}
ALLOWANCE = PacePolicy(start=300, most=300, least=300)
FAST = PacePolicy(start=1_800, most=1_800, least=1_800)


def cell(found: Week, limit: int, most: float, allowed: float) -> str:
    """The share of what is allowed to our pace, whatever this one's own bound, and the lock-outs."""
    return f"{found.share * min(limit, most) / min(limit, allowed):>7.1%} {found.lockouts:>4}"


def main() -> None:
    """Print the table."""
    heads = ("ours", "ours, told", "300/h", "1800/h")
    print(f"{'pace':>8} {'limit/h':>8} {'burst':>6} " + " ".join(f"{head:>12}" for head in heads))
    for name, limits in LIMITS.items():
        for limit in limits:
            for burst in BURSTS:
                ours = parse_pace(name)
                ways = ((ours, False), (ours, True), (ALLOWANCE, False), (FAST, False))
                cells = (
                    cell(week(policy, limit, burst, 3_600, told), limit, policy.most, ours.most)
                    for policy, told in ways
                )
                print(f"{name:>8} {limit:>8,} {burst:>6} " + " ".join(cells), flush=True)


if __name__ == "__main__":
    main()
