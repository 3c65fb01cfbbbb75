"""Who AWS refuses again and again is left alone for a while, people are told once, and a success ends it."""

from __future__ import annotations

from dataclasses import replace

from builders import NOW, a_component
from builders.use_case_account import COPIES, Account, ports_of
from tidepool.errors import Refused, Throttled, Unreachable
from tidepool.runtime.breaker import PAUSE_S, REFUSALS
from tidepool.runtime.carry_out import carry_out
from tidepool_lab.twin.fast_ledger import FastLedger

NO = Refused("UpdateInferenceComponentRuntimeConfig", "a", "ValidationException", "not so")


def asked(account: Account, ledger: FastLedger, minutes: list[int], **changes: str) -> list[str]:
    """What became of the change, asked at each of those minutes."""
    tried = [(at, replace(COPIES, id=f"c{at}", **changes)) for at in minutes]  # type: ignore[arg-type]
    return [carry_out(ports_of(account, ledger), change, NOW + 60 * at).outcome for at, change in tried]


def test_the_fifth_refusal_in_a_row_pauses_that_component_alone_and_is_told_once() -> None:
    account, ledger = Account(refusal=NO, parts={"a": a_component(), "b": a_component(name="b")}), FastLedger()
    assert asked(account, ledger, list(range(REFUSALS + 3))) == ["failed"] * REFUSALS + ["paused"] * 3
    assert account.told == ["writes-paused"]
    assert asked(account, ledger, [REFUSALS + 3], component="b") == ["failed"]


def test_after_the_pause_it_is_tried_once_and_refused_paused_again() -> None:
    account, ledger = Account(refusal=NO), FastLedger()
    asked(account, ledger, list(range(REFUSALS)))
    over = REFUSALS - 1 + PAUSE_S // 60
    assert asked(account, ledger, [over - 1, over, over + 1]) == ["paused", "failed", "paused"]


def test_aws_that_is_away_or_throttles_neither_pauses_nor_closes() -> None:
    account, ledger = Account(refusal=Unreachable("timed out")), FastLedger()
    assert asked(account, ledger, list(range(REFUSALS + 2))) == ["unanswered"] * (REFUSALS + 2)
    account.refusal = NO
    assert asked(account, ledger, list(range(10, 9 + REFUSALS))) == ["failed"] * (REFUSALS - 1)
    account.refusal = Throttled("UpdateInferenceComponentRuntimeConfig", "a", "ThrottlingException", "Rate exceeded")
    assert asked(account, ledger, [20]) == ["unanswered"]
    account.refusal = NO
    assert asked(account, ledger, [21, 22]) == ["failed", "paused"]


def test_a_success_closes_it() -> None:
    account, ledger = Account(refusal=NO), FastLedger()
    asked(account, ledger, list(range(REFUSALS - 1)))
    account.refusal = None
    assert asked(account, ledger, [REFUSALS]) == ["done"]
    account.refusal, account.parts = NO, {"a": a_component()}
    assert asked(account, ledger, [REFUSALS + 1, REFUSALS + 2]) == ["failed", "failed"]
