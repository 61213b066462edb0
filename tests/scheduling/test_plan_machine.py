"""Whatever happens to the plan, in whatever order: it stays what a simple model says it is."""

from __future__ import annotations

from tests.scheduling.plan_machine import prove

STEPS = 2000


def test_two_thousand_steps_leave_the_plan_as_the_model_has_it(store_url: str) -> None:
    steps, _ = prove(store_url, STEPS)

    assert steps.total() >= STEPS
