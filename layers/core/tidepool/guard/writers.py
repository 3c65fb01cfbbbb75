"""One writer per knob: which counts others have set since the last tick, who they are, and whose word it is now.

A count that is neither what the last tick saw nor what we asked for was set by somebody else. CloudTrail names the
writer where a trail delivers (minutes late: a first guess is then corrected); otherwise the change itself does: a new
artifact or config with it is a deploy, a live scaling target is Application Auto Scaling, a count that was to rise and
fell back to the copies that it had is SageMaker, which found no room for the others, and all else is a person. That
guess is the careful one: a person's count is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tidepool.config.resolve import model_config
from tidepool.config.types import Config, Rung, Writers
from tidepool.fleet import EndpointKind, Fleet, named_twice
from tidepool.fleet.writers import PAUSED, Noted, ScalingTarget, Write, Writer
from tidepool.memory import Knob
from tidepool.units import MINUTE_S

ASKED_S = 5 * MINUTE_S
"""A change of ours may arrive so late: events and runs are dropped after 60 and 90 s (template.yaml), twice over."""
NOTED_S = 15 * MINUTE_S
"""CloudTrail tells of a call within about 5 minutes on average (AWS CloudTrail user guide); three times that."""
JUST_S = 3 * MINUTE_S
"""A call so long ago may be what changed since the last tick: a tick may be lost. Ours."""
OURS = "tidepool-change/"
"""In the user agent of every write of ours (aws.clients)."""
ANY = -1
"""Asked for where a count is seen for the first time, or again after its model's move: counts may have been read just
before the move's last write, and the move as ended just after it."""
NEW_S = 2 * MINUTE_S
"""So long nobody is blamed for such a count. Ours: two ticks."""
CLOUDFORMATION = "cloudformation.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Count:
    """A component's copies or a dedicated endpoint's instances as they are wanted now."""

    target: str
    model: str
    wanted: int
    version: str


def counts(fleet: Fleet) -> Iterator[Count]:
    """Every count of the fleet that Tidepool could set, by name."""
    twice = named_twice(fleet.endpoints, fleet.components)
    for name, component in sorted(fleet.components.items()):
        if name not in twice:
            yield Count(name, component.model, component.copies_wanted, component.artifact)
    for name, endpoint in sorted(fleet.endpoints.items()):
        if endpoint.kind is EndpointKind.DEDICATED and name not in twice:
            yield Count(name, endpoint.model, endpoint.instances_wanted, endpoint.config_name)


def foreign_writes(
    fleet: Fleet, config: Config, knobs: Mapping[str, Knob], now: int, *, had: Mapping[str, int] | None = None
) -> tuple[Write, ...]:
    """What others wrote since the last tick, and what CloudTrail now tells better of an earlier write.

    `had`: copies or instances in service at the last tick, by target (ModelMemory.sizes). Only of models that Tidepool
    may scale: of others every count is somebody else's. A model whose homes a move makes or empties is not judged.
    """
    found = []
    for count in counts(fleet):
        knob, terms = knobs.get(count.target), model_config(config, count.model)
        if knob is None or fleet.moving.get(count.model) or not terms.matched or terms.act < Rung.RAISE:
            continue
        if any(to == ANY and now - at <= NEW_S for at, to in knob.asked):
            continue
        if count.wanted not in {knob.wanted, *(to for _, to in knob.asked)}:
            write = _write(count, knob, fleet, config.writers, now, (had or {}).get(count.target))
        else:
            write = _corrected(count, knob, fleet, config.writers, now)
        if write is not None:
            found.append(write)
    return tuple(found)


def after_tick(
    fleet: Fleet, knobs: Mapping[str, Knob], asked: Iterable[tuple[str, int]], writers: Writers, now: int
) -> dict[str, Knob]:
    """The knobs for the next tick; `asked` are (target, count) of the changes that go out now."""
    going, new = dict(asked), {write.target: write for write in fleet.writes}
    kept_s = max(writers.deploy_quiet_s, NOTED_S)
    after = {}
    for count in counts(fleet):
        if fleet.moving.get(count.model):
            continue
        known = knobs.get(count.target, Knob(count.wanted, count.version, ((now, ANY),)))
        ours = [(at, to) for at, to in known.asked if now - at <= ASKED_S]
        if count.target in going:
            ours.append((now, going[count.target]))
        write = new.get(count.target, known.write)
        if write is not None and now - write.at > kept_s:
            write = None
        scaled = live(fleet.scalers.get(count.target))
        after[count.target] = Knob(count.wanted, count.version, tuple(ours), write, scaled)
    return after


def live(scaler: ScalingTarget | None) -> bool:
    """Application Auto Scaling may change that count."""
    return scaler is not None and scaler.suspended != PAUSED


def is_deploy(noted: Noted, writers: Writers) -> bool:
    """CloudFormation called for it, or a principal that fleet.yaml names: 'role/ci' is any account's role ci."""
    if noted.service == CLOUDFORMATION:
        return True
    named = writers.deploy_principals
    return any(noted.principal == name or noted.principal.endswith((f":{name}", f"/{name}")) for name in named)


def _write(count: Count, knob: Knob, fleet: Fleet, writers: Writers, now: int, had: int | None) -> Write | None:
    """Who set the count that nobody of us asked for; None when CloudTrail says that we did."""
    noted = _newest(fleet.noted, count.target, now)
    if noted is not None:
        writer, who = _named(noted, writers), noted.principal
    elif count.version != knob.version:
        writer, who = Writer.DEPLOY, f"a deploy of {count.version}"
    elif live(scaler := fleet.scalers.get(count.target)) and scaler and count.wanted <= scaler.maximum:
        writer, who = Writer.AUTOSCALING, "Application Auto Scaling"
    elif count.wanted == had and had < knob.wanted:
        writer, who = Writer.SAGEMAKER, "SageMaker, for want of room"
    else:
        writer, who = Writer.PERSON, "somebody"
    if writer is Writer.TIDEPOOL:
        return None
    return Write(count.target, count.model, writer, who, now, knob.wanted, count.wanted, noted is not None)


def _corrected(count: Count, knob: Knob, fleet: Fleet, writers: Writers, now: int) -> Write | None:
    """An earlier write whose writer CloudTrail names now, when it is another than was guessed."""
    write = knob.write
    if write is None or write.noted:
        return None
    noted = _newest(fleet.noted, count.target, write.at)
    if noted is None:
        return None
    return replace(write, writer=_named(noted, writers), who=noted.principal, noted=True, corrects=str(write.writer))


def _newest(noted: Iterable[Noted], target: str, seen_at: int) -> Noted | None:
    """The newest call that a tick at that time could have seen the effect of; its reads take a part of its minute."""
    since, until = seen_at - JUST_S, seen_at + MINUTE_S
    of_target = (one for one in noted if one.target == target and since <= one.at <= until)
    return max(of_target, key=lambda one: (one.at, one.id), default=None)


def _named(noted: Noted, writers: Writers) -> Writer:
    if OURS in noted.agent:
        return Writer.TIDEPOOL
    # The service-linked role is AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint (AWS user guide).
    if "autoscaling" in noted.service or "ApplicationAutoScaling" in noted.principal:
        return Writer.AUTOSCALING
    return Writer.DEPLOY if is_deploy(noted, writers) else Writer.PERSON
