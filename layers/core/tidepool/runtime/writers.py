"""Heeds other writers before a decision: a person's count becomes a hold, and every foreign write is announced."""

from __future__ import annotations

from dataclasses import replace

from tidepool.config.resolve import model_config
from tidepool.config.types import Config
from tidepool.fleet import Fleet, Signal, SignalKind, Write, Writer, named_twice
from tidepool.guard.writers import NOTED_S, foreign_writes, live
from tidepool.memory import Memory
from tidepool.runtime.ports import Ports
from tidepool.units import MINUTE_S, duration

ANNOUNCED = "writer"
KEPT_S = 5 * MINUTE_S
"""While Application Auto Scaling has nothing of the fleet it is asked every five minutes, not every tick; and again
before anything is asked for or a foreign count is judged. Ours."""


def heed_writers(ports: Ports, fleet: Fleet, config: Config, memory: Memory, now: int) -> Fleet:
    """The fleet with its scalers and with what others wrote since the last tick; the holds that follow are stored.

    Persons' and deploys' writes are announced, and each target that Application Auto Scaling comes to have. A hold that
    rested on a wrong guess is lifted as soon as CloudTrail names the writer.
    """
    fleet = with_scalers(ports, fleet, at_most_s=KEPT_S)
    had = {target: size for known in memory.models.values() for target, size in known.sizes.items()}
    writes = foreign_writes(fleet, config, memory.knobs, now, had=had)
    if fleet.scalers or writes:
        fleet = with_scalers(ports, fleet)
    if writes or _unnamed(memory):
        # Without a count that changed, and none whose writer was guessed, what CloudTrail told changes nothing.
        fleet = replace(fleet, noted=ports.ledger.noted(now - NOTED_S))
        writes = foreign_writes(fleet, config, memory.knobs, now, had=had)
    signals = fleet.signals
    for write in writes:
        if Writer.PERSON in (write.writer, write.corrects):
            hold = _hold(write, config, now)
            ports.ledger.put_signal(hold)
            signals = (*(s for s in signals if (s.kind, s.scope, s.by) != (hold.kind, hold.scope, hold.by)), hold)
        if write.writer in (Writer.PERSON, Writer.DEPLOY):
            ports.bus.announce(ANNOUNCED, _told(write, config), now)
    for target, model in _newly_scaled(fleet, config, memory):
        mode = config.writers.autoscaling
        what = f"Application Auto Scaling scales {target} of {model}; writers.autoscaling is {mode}"
        ports.bus.announce(ANNOUNCED, {"model": model, "target": target, "what": what}, now)
    return replace(fleet, writes=writes, signals=signals)


def newly_scaled(ports: Ports, fleet: Fleet) -> bool:
    """Application Auto Scaling has come to have a target of the fleet since it was asked last."""
    return not fleet.scalers and bool(with_scalers(ports, fleet).scalers)


def with_scalers(ports: Ports, fleet: Fleet, *, at_most_s: int = 0) -> Fleet:
    """The fleet with Application Auto Scaling's targets in it, as they were at most so many seconds ago."""
    once = {*fleet.components, *fleet.endpoints} - named_twice(fleet.endpoints, fleet.components).keys()
    scalers = {
        target: scaler
        for target, scaler in sorted(ports.autoscaling.targets(at_most_s=at_most_s).items())
        if target in once
    }
    taken = {one.found.resource: one for one in ports.ledger.taken()} if scalers else {}
    return replace(fleet, scalers=scalers, taken=taken)


def _unnamed(memory: Memory) -> bool:
    """Of a count that somebody else set, CloudTrail has not named the writer yet."""
    return any(knob.write is not None and not knob.write.noted for knob in memory.knobs.values())


def _hold(write: Write, config: Config, now: int) -> Signal:
    """Hands off the model for as long as fleet.yaml gives people; ended when it was no person after all."""
    person = write.writer is Writer.PERSON
    until = write.at + config.writers.people_hold_s if person else now
    since = write.at if person else now
    why = f"set {write.target} from {write.before} to {write.after} by hand"
    return Signal(SignalKind.HOLD, write.model, since, until, write.who, why, by=f"count of {write.target}")


def _told(write: Write, config: Config) -> dict[str, object]:
    terms = config.writers
    change = f"{write.who} set {write.target} of {write.model} from {write.before} to {write.after}"
    if write.writer is Writer.PERSON:
        then = f"left alone for {duration(terms.people_hold_s)}: `tidepool hold {write.model} --lift` ends that"
    elif write.after < write.before:
        then = "restored as far as it is needed" if terms.deploy_lowered == "restore" else "kept while it is enough"
    else:
        then = f"kept for {duration(terms.deploy_quiet_s)}" if terms.deploy_raised == "keep" else "lowered when it may"
    return {
        "model": write.model,
        "target": write.target,
        "writer": str(write.writer),
        "who": write.who,
        "before": write.before,
        "after": write.after,
        "what": f"{change} ({write.writer}): {then}",
    }


def _newly_scaled(fleet: Fleet, config: Config, memory: Memory) -> list[tuple[str, str]]:
    """(target, model) that Application Auto Scaling has, and had not at the last tick."""
    owners = {name: component.model for name, component in fleet.components.items()}
    owners |= {name: endpoint.model for name, endpoint in fleet.endpoints.items() if endpoint.model}
    return [
        (target, owners[target])
        for target, scaler in sorted(fleet.scalers.items())
        if live(scaler) and target in owners and model_config(config, owners[target]).matched
        if target not in memory.knobs or not memory.knobs[target].scaled
    ]
