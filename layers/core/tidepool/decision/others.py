"""What becomes of a count that another writer set: a deploy's is restored or kept, an autoscaler's left alone.

A person's count is a hold, which the runtime puts into the ledger (runtime/writers.py); nothing is to do for it here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tidepool.config.types import Config
from tidepool.decision.record import Step
from tidepool.decision.wanted import Wanted
from tidepool.fleet import Fleet, named_twice
from tidepool.fleet.writers import ScalingTarget, Write, Writer
from tidepool.guard.writers import live
from tidepool.memory import Knob
from tidepool.units import duration

TOLD = {
    "yield": "writers.autoscaling is yield: left alone",
    "floor": "writers.autoscaling is floor: only its minimum is set",
    "adopt": "writers.autoscaling is adopt: left alone until it is suspended",
}


def left_alone(fleet: Fleet, config: Config) -> dict[str, str]:
    """By target: why its count is not Tidepool's to set: Application Auto Scaling does, or two homes have its name."""
    scalers = sorted(fleet.scalers.items())
    others = {target: why for target, scaler in scalers if (why := autoscaled(scaler, config))}
    return {**others, **named_twice(fleet.endpoints, fleet.components)}


def autoscaled(scaler: ScalingTarget | None, config: Config) -> str:
    """Why the count behind this scaling target is left alone; '' when it is not, or there is none."""
    if scaler is None or not live(scaler):
        return ""
    told = TOLD[config.writers.autoscaling]
    return f"Application Auto Scaling sets it ({scaler.minimum} to {scaler.maximum}), {told}"


def after_deploys(
    wanted: Sequence[Wanted], fleet: Fleet, config: Config, knobs: Mapping[str, Knob], now: int
) -> tuple[Wanted, ...]:
    """`wanted`, with what deploys lowered restored beyond every limit, and what they raised kept, as fleet.yaml says.

    Both for `quiet`. What is restored is what is needed now, at most what was there; without evidence what was there.
    """
    fresh = {write.target: write for write in fleet.writes}
    return tuple(_deployed(one, fresh.get(one.home.target), config, knobs, now) for one in wanted)


def write_steps(fleet: Fleet) -> tuple[Step, ...]:
    """One step a count that somebody else set."""
    return tuple(
        Step("writers", write.target, write.before, write.after, f"set by {write.who} ({write.writer})")
        for write in fleet.writes
    )


def _deployed(one: Wanted, fresh: Write | None, config: Config, knobs: Mapping[str, Knob], now: int) -> Wanted:
    known = knobs.get(one.home.target)
    write, terms = fresh or (known.write if known else None), config.writers
    if write is None or write.writer is not Writer.DEPLOY or now - write.at > terms.deploy_quiet_s:
        return one
    has = one.home.size_wanted
    if write.after < write.before and terms.deploy_lowered == "restore":
        need = min(one.size, write.before) if one.evidence else write.before
        if need > has:
            because = f"{write.who} set it from {write.before} to {write.after}; restored: {one.because}"
            return replace(one, size=max(one.size, need), floor=max(one.floor, need), because=because, evidence=True)
    if write.after > write.before and terms.deploy_raised == "keep" and one.size < min(has, write.after):
        because = f"{write.who} raised it to {write.after}; kept for {duration(terms.deploy_quiet_s)} after it"
        return replace(one, size=min(has, write.after), because=because)
    return one
