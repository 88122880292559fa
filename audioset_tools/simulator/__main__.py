"""`python -m audioset_tools.simulator`: serve until interrupted; the first line printed is the address."""

import argparse
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from ..exceptions import AudiosetToolsError, UsageError
from .faults import spread
from .plan import Plan, read_plan, read_table
from .server import Simulator


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: in place of the process's own.
    """
    given = _parser().parse_args(arguments)
    try:
        with Simulator(_plan(given), port=given.port, cache=given.cache, replay=given.replay) as youtube:
            for line in youtube.passed_over:
                sys.stderr.write(f"{line}\n")
            ended = threading.Event()
            for signum in (signal.SIGINT, signal.SIGTERM):
                signal.signal(signum, lambda *_: ended.set())
            sys.stdout.write(f"{youtube.proxy}\n")
            sys.stdout.flush()
            ended.wait()
    except AudiosetToolsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audioset_tools.simulator", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="where to listen on 127.0.0.1 (default: a free port)"
    )
    parser.add_argument(
        "--plan", type=Path, metavar="FILE.toml", help="the plan; the options below come on top"
    )
    parser.add_argument(
        "--replay",
        type=Path,
        metavar="DIR",
        help="give the answers again that fetch --record wrote there, whatever the plan",
    )
    parser.add_argument("--table", type=Path, metavar="CSV", help="candidates, as select --out writes them")
    parser.add_argument("--seed", type=int, help="another seed gives every id another fate")
    parser.add_argument("--dead", type=float, metavar="SHARE", help="fraction of dead videos, of every kind")
    parser.add_argument("--latency", type=float, metavar="MS", help="wait before each answer")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where the encoded sounds are kept")
    return parser


def _plan(given: argparse.Namespace) -> Plan:
    if given.replay and (given.plan or given.table or given.seed is not None or given.dead is not None):
        raise UsageError(
            "recorded answers follow no plan", "Leave out --plan, --table, --seed and --dead with --replay."
        )
    plan = read_plan(given.plan) if given.plan else Plan()
    if given.table:
        plan = replace(plan, table=read_table(given.table))
    if given.seed is not None:
        plan = replace(plan, seed=given.seed)
    if given.dead is not None:
        plan = replace(plan, shares={**plan.shares, **spread(given.dead)})
    if given.latency is not None:
        plan = replace(plan, latency_s=given.latency / 1000)
    return plan


if __name__ == "__main__":
    sys.exit(main())
