"""The gate: who is refused, by the limit, by a script or by chance, on a clock of the test's own."""

from audioset_tools.simulator import Limit, Plan, Refusal
from audioset_tools.simulator.site import Bucket, Denial, Gate, draw


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def passes(gate: Gate, times: int, kind: str = "player") -> list[bool]:
    return [gate.ask(kind) is None for _ in range(times)]


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    gate = Gate(Plan(limit=Limit(per_second=2, burst=3)), clock)
    assert passes(gate, 4) == [True, True, True, False]
    clock.now += 1
    assert passes(gate, 3) == [True, True, False]
    clock.now += 1000
    assert passes(gate, 4) == [True, True, True, False]


def test_lockout_lasts_from_the_last_request_too_many() -> None:
    limit = Limit(per_second=1, burst=1, lockout_s=10)
    bucket = Bucket(tokens=0, filled_at=0)
    bucket, passed = draw(bucket, limit, 0.5)
    assert (passed, bucket.locked_until) == (False, 10.5)
    bucket, passed = draw(bucket, limit, 10.4)
    assert not passed
    bucket, passed = draw(bucket, limit, 10.5)
    assert passed


def test_the_answer_is_the_limits() -> None:
    gate = Gate(Plan(limit=Limit(per_second=1, answer="bot-check", retry_after=7)), Clock())
    assert gate.ask("player") is None
    assert gate.ask("player") == Denial("bot-check", 7)


def test_media_pass_unless_the_limit_counts_them() -> None:
    assert all(passes(Gate(Plan(limit=Limit(per_second=1)), Clock()), 9, "media"))
    counted = Gate(Plan(limit=Limit(per_second=1, media=True, answer="captcha")), Clock())
    assert counted.ask("media") is None
    assert counted.ask("media") == Denial("429", None)


def test_an_outage_is_one_for_media_too() -> None:
    gate = Gate(Plan(refusals=(Refusal(1, 9, answer="drop", kind="media"),)), Clock())
    assert gate.ask("media") == Denial("drop", None)
    assert gate.ask("player") is None


def test_a_script_refuses_from_one_request_on_for_a_time() -> None:
    clock = Clock()
    gate = Gate(Plan(refusals=(Refusal(at=3, seconds=5, retry_after=2),)), clock)
    assert passes(gate, 2) == [True, True]
    assert gate.ask("player") == Denial("429", 2)
    assert passes(gate, 1, "media") == [True]
    clock.now += 4.9
    assert passes(gate, 1) == [False]
    clock.now += 0.1
    assert passes(gate, 3) == [True, True, True]


def test_two_scripts_do_not_know_of_each_other() -> None:
    clock = Clock()
    gate = Gate(Plan(refusals=(Refusal(1, 1), Refusal(2, 1, kind="media"))), clock)
    assert passes(gate, 2) == [False, False]
    assert passes(gate, 3, "media") == [True, False, False]
    clock.now += 1
    assert passes(gate, 1) == passes(gate, 1, "media") == [True]


def struck(plan: Plan, times: int = 2_000, client: str = "VISIONOS") -> list[bool]:
    gate = Gate(plan, Clock())
    return [gate.by_chance(client) is not None for _ in range(times)]


def test_chance_strikes_a_share_of_the_requests_whatever_the_clock() -> None:
    assert abs(sum(struck(Plan(chance=0.2))) / 2_000 - 0.2) < 0.03
    assert struck(Plan(chance=0.2)) == struck(Plan(chance=0.2)) != struck(Plan(chance=0.2, seed=1))
    assert not any(struck(Plan()))
    assert all(struck(Plan(chance=1.0)))


def test_chance_may_strike_one_client_alone() -> None:
    plan = Plan(chance=1.0, chance_answer="429", chance_clients=("VISIONOS",))
    gate = Gate(plan, Clock())
    assert gate.by_chance("TVHTML5") is None
    assert gate.by_chance("VISIONOS") == Denial("429", None)
