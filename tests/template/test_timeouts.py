"""What a function waits for ends before the function does."""

from __future__ import annotations

from typing import Any

from botocore.retries.standard import ExponentialBackoff, RetryContext

from template.test_wiring import Stack, of_type
from tidepool.aws.clients import CONNECT_S, INVOKE_READ_S, READ_S, RETRIES
from tidepool.move import alike


def test_a_call_that_hangs_has_failed_while_its_function_can_still_give_the_lease_back(stack: Stack) -> None:
    attempts = RETRIES["total_max_attempts"]
    assert isinstance(attempts, int)
    backoff = ExponentialBackoff(random=lambda: 1.0)
    waits = [backoff.delay_amount(RetryContext(attempt_number=n, operation_model=None)) for n in range(1, attempts)]
    functions = of_type(stack(), "AWS::Lambda::Function").values()
    shortest_s = min(function["Timeout"] for function in functions)
    assert attempts * (CONNECT_S + READ_S) + sum(waits) < 41 < shortest_s - 10, "a look takes 3 s (docs/operate.md)"


def test_the_probes_of_one_move_are_over_before_its_function_is(source: dict[str, Any]) -> None:
    """Both sides: what they may have taken, and one more request that takes as long as the client waits."""
    timeout_s = source["Resources"]["MoveModelsFunction"]["Properties"]["Timeout"]
    assert timeout_s > 2 * (alike.SPENT_MS / 1000 + INVOKE_READ_S)
