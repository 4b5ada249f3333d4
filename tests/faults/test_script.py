"""What a handler is asked to do can be told beforehand."""

import pytest

from tests.faults.script import Act, Script


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_the_share_of_attempts_that_raise_is_the_failure_rate(rate: float):
    script = Script(seed=3, failure_rate=rate)

    raised = sum(script.act(f"order-{n}", 1, 1)[0] is Act.RAISE for n in range(20_000))

    assert raised / 20_000 == pytest.approx(rate, rel=0.1, abs=0.002)


def test_attempts_at_one_order_are_drawn_apart():
    script = Script(seed=3, failure_rate=0.5)

    acts = {script.act("order-a", 1, attempt)[0] for attempt in range(1, 20)}

    assert acts == {Act.RAISE, Act.RETURN}


def test_a_user_named_like_an_act_gets_it_whatever_the_rate():
    script = Script(failure_rate=1.0)

    assert script.act("order-a", "slow:0.2", 1) == (Act.SLOW, 0.2)
    assert script.act("order-a", "segv", 4) == (Act.SEGV, 0)
    assert script.act("order-a", 17, 1) == (Act.RAISE, 0)


def test_all_that_is_left_gets_the_act_of_the_run():
    script = Script.from_environment({"HANDLER_ACT": "slow:1.5"})

    assert script.act("order-a", 17, 1) == (Act.SLOW, 1.5)


@pytest.mark.parametrize(
    ("user_id", "attempts"),
    [
        (1, 1),
        ("slow:1", 1),
        ("permanent", 1),
        ("raise", 5),
        ("exit", 5),
        ("exit:2", 3),
        ("hang", 5),
    ],
)
def test_an_order_ends_after_the_first_attempt_that_can_end_it(user_id: int | str, attempts: int):
    assert Script().attempts_until_end("order-a", user_id, max_attempts=5) == attempts
