"""What the account lists and this role may not read: left out, named, told of once, and it stops nobody else."""

from __future__ import annotations

from dataclasses import replace

from builders import NOW, P4D, POOL, a_component, a_config, a_model, a_pool, evidence
from builders.use_case_account import Account, ports_of
from tidepool.config.types import Bounds, PoolConfig
from tidepool.fleet import LEFT_OUT, LeftOut
from tidepool.plan.change import ScaleCopies, SetBounds
from tidepool.runtime.decide import decide
from tidepool_lab.twin.fast_ledger import FastLedger

WHY = "DescribeEndpoint on 'other': AccessDeniedException: no"
OTHER = LeftOut("other", "", WHY)


def test_it_is_told_once_stands_in_every_record_and_everybody_else_goes_on() -> None:
    account, ledger = Account(seen={"a": evidence(60.0, 2)}, unread=(OTHER,)), FastLedger(keep_records=True)
    for minute in range(3):
        decision = decide(ports_of(account, ledger), NOW + 60 * minute)
        assert decision is not None
        assert [(s.subject, s.to, s.because) for s in decision.steps if s.limit == LEFT_OUT] == [
            ("other", "left out", WHY)
        ]
    assert [type(change) for change in account.sent][:1] == [ScaleCopies]
    assert account.told.count("left-out") == 1
    account.unread = ()
    decide(ports_of(account, ledger), NOW + 180)
    account.unread = (OTHER,)
    decide(ports_of(account, ledger), NOW + 240)
    assert account.told.count("left-out") == 2, "what can be read again, and then cannot, is news"


def test_what_is_known_of_a_model_waits_while_its_pool_may_not_be_read() -> None:
    account, ledger = Account(), FastLedger(keep_records=True)
    decide(ports_of(account, ledger), NOW)
    known = ledger.memory().models["a"]
    account.pools, account.unread = {}, (LeftOut(POOL, "", WHY),)
    decision = decide(ports_of(account, ledger), NOW + 60)
    assert decision is not None and decision.changes == () and decision.homes == {}
    assert ledger.memory().models == {"a": known}
    account.unread = ()
    decide(ports_of(account, ledger), NOW + 120)
    assert ledger.memory().models == {}, "a pool that is gone is forgotten"


def test_the_bounds_of_a_pool_with_a_component_that_may_not_be_read_stay() -> None:
    config = a_config(a_model("a"), pools={"p4d": PoolConfig("p4d", POOL, bounds=Bounds.WRITE)})
    busy = Account(
        pools={POOL: a_pool(instances_now=1, max_instances=1)},
        parts={"a": a_component(copies=8)},
        seen={"a": evidence(500.0, 8)},
        listed={P4D.name: replace(P4D, quota=20)},
        file=config,
    )
    widened = decide(ports_of(busy), NOW)
    assert widened is not None and SetBounds in {type(change) for change in widened.changes}
    busy.unread = (LeftOut("b", POOL, WHY),)
    held = decide(ports_of(busy), NOW)
    assert held is not None and SetBounds not in {type(change) for change in held.changes}
    assert "freeze" in {one.reason for one in held.held if one.kind == "SetBounds"}


def test_many_are_one_announcement() -> None:
    account = Account(unread=tuple(LeftOut(f"other-{n}", "", WHY) for n in range(200)))
    decide(ports_of(account), NOW)
    assert account.told == ["left-out"]
