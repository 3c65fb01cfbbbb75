"""Looks at everything one turn of a move needs, and at nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tidepool.config.resolve import model_config, pool_of_endpoint
from tidepool.config.types import Config, ModelConfig, Rung, Via
from tidepool.errors import HostingError, NotFound, Unreachable
from tidepool.fleet import Component, Endpoint, Evidence, Signal, SignalKind
from tidepool.fleet.demand import no_evidence
from tidepool.fleet.hold_tag import holds_by_tag
from tidepool.move.drain import needed_s
from tidepool.move.preflight import declared
from tidepool.move.seen import Probed, Seen, Side, Terms, component_side, endpoint_side
from tidepool.move.state import Move, Phase
from tidepool.move.turn import UNSEEN
from tidepool.plan.change import StartMove
from tidepool.runtime.ports import MetricTarget, Ports

WINDOW_S = 900
"""How far back both sides' metrics are read, at least: as a tick does (runtime.observe)."""
ROUTER_ACK_S = 600
"""An inference router's change is in effect within about two minutes (sagemaker-facts); five times that is a no."""

_MEASURED = {Phase.CREATE, Phase.WARM, Phase.SHIFT, Phase.DRAIN, Phase.BACK}
"""…and of the way back only until callers are off the target."""


@dataclass(frozen=True, slots=True)
class People:
    """Who forbids what now: fleet.yaml, signals of the ledger, tags of homes that were seen, alarms and calendars.

    commit: fleet.yaml's. unread: why the alarms and calendars could not be read, '' when they were.
    """

    config: Config
    commit: str
    signals: tuple[Signal, ...]
    frozen_by: tuple[str, ...]
    unread: str = ""

    def held(self, ask: StartMove, now: int) -> str:
        """Who holds the model or a pool of the move, and why; '' when nobody does."""
        pools = [pool_of_endpoint(self.config, name) for name in (ask.from_endpoint, ask.to_endpoint)]
        declared = [pool for pool in pools if pool is not None]
        holds = [model_config(self.config, ask.model).hold, *(pool.hold for pool in declared)]
        for hold in holds:
            if hold is not None and now < hold.until:
                return hold.why
        return self._said(SignalKind.HOLD, {"*", ask.model, *(pool.name for pool in declared)}, now)

    def stopped(self, ask: StartMove, now: int) -> str:
        """As held; or what fleet.yaml lets it act up to, where that has become too little since the move began.

        A model that was taken out of the file has no route any more: that says better what to do.
        """
        model = model_config(self.config, ask.model)
        pools = [pool_of_endpoint(self.config, name) for name in (ask.from_endpoint, ask.to_endpoint)]
        rung = min([model.act, *(pool.act for pool in pools if pool is not None)])
        lowered = f"fleet.yaml lets it act up to '{rung.name.lower()}' now"
        return self.held(ask, now) or (lowered if model.matched and rung < Rung.ASK else "")

    def seeing(self, homes: Iterable[Component | Endpoint | None], now: int) -> People:
        """With what people say by a tag on these homes."""
        return replace(self, signals=(*self.signals, *holds_by_tag(homes, now)))

    def frozen(self, ask: StartMove, now: int) -> str:
        """What freezes moves now, '' when nothing does."""
        if self.frozen_by:
            return ", ".join(self.frozen_by)
        return self._said(SignalKind.FREEZE, {"*", ask.model}, now)

    def _said(self, kind: SignalKind, scopes: set[str], now: int) -> str:
        for signal in self.signals:
            if signal.kind is kind and signal.scope in scopes and signal.since <= now < signal.until:
                return f"{signal.who}: {signal.why}"
        return ""


def people(ports: Ports, now: int) -> People:
    """Read once for all moves of a run. BadFleetFile when there has never been a good file.

    Alarms and calendars that cannot be read stop what is new, and no way back.
    """
    config, commit = ports.config.current()
    signals = ports.ledger.signals(now)
    try:
        return People(config, commit, signals, ports.alarms.frozen_by(config, now))
    except (HostingError, Unreachable) as error:
        return People(config, commit, signals, (), unread=f"what freezes cannot be read: {error}")


def look(
    ports: Ports,
    move: Move,
    asked: People,
    now: int,
    *,
    others: tuple[str, ...] = (),
    probed: Probed | None = None,
    refused: str = "",
    acted: str = "",
) -> Seen:
    """What this turn sees. Metrics are read only where they are judged by; without them the turn is blind.

    Errors of all other reads go through.
    """
    terms = model_config(asked.config, move.ask.model)
    homes = (
        _home(ports, move.ask.component, move.ask.from_endpoint),
        _home(ports, move.to_component, move.ask.to_endpoint),
    )
    asked, (source, target) = asked.seeing(homes, now), map(_side, homes)
    route = ports.routes.read(move.ask.model, terms.route)
    followed = route is not None and ports.routes.followed(route, terms.route, now)
    said = _terms(move, terms)
    blind = ""
    source_evidence = target_evidence = no_evidence()
    try:
        source_evidence, target_evidence = _evidence(ports, move, said, now, sides=(source, target))
    except (HostingError, Unreachable) as error:
        blind = str(error)
    return Seen(
        terms=said,
        source=source,
        target=target,
        route=route,
        followed=followed,
        source_evidence=source_evidence,
        target_evidence=target_evidence,
        probed=probed,
        held=asked.stopped(move.ask, now),
        frozen=asked.frozen(move.ask, now),
        unread=asked.unread,
        others=others,
        refused=refused,
        acted=acted,
        blind=blind,
    )


def _home(ports: Ports, component: str, endpoint: str) -> Component | Endpoint | None:
    try:
        return ports.hosting.component(component) if component else ports.hosting.endpoint(endpoint)
    except NotFound:
        return None


def _side(home: Component | Endpoint | None) -> Side | None:
    if home is None:
        return None
    return component_side(home) if isinstance(home, Component) else endpoint_side(home)


def _terms(move: Move, model: ModelConfig) -> Terms:
    via = model.route.via
    return Terms(
        sample=model.sample,
        longest_request_s=_longest_request_s(move, model),
        retire_delete=model.retire_delete,
        routed=via is not Via.NONE,
        weighted=via is not Via.ROUTER,
        soak_from_write=via is Via.TABLE,
        ack_s=ROUTER_ACK_S if via is Via.ROUTER else model.route.ack_s,
        slower=_slower(move, model),
        per_unit=declared(move.ask, model) or move.measured,
        most=model.max_copies if move.to_component else None,
    )


def _longest_request_s(move: Move, model: ModelConfig) -> int:
    learned = 0 if model.longest_request_written else math.ceil(move.longest_s)
    return learned or model.longest_request_s


def _slower(move: Move, model: ModelConfig) -> float:
    """How many times longer a request takes on the target's hardware, as the shapes say; 1 when they do not."""
    there = model.shape(move.ask.to_hosting, move.ask.instance_type)
    here = model.shape(move.ask.from_hosting, move.from_type)
    if there is None or here is None or not there.service_s or not here.service_s:
        return 1.0
    return there.service_s / here.service_s


def _evidence(
    ports: Ports, move: Move, terms: Terms, now: int, *, sides: tuple[Side | None, Side | None]
) -> tuple[Evidence, Evidence]:
    if move.phase not in _MEASURED or (move.phase is Phase.BACK and move.step == UNSEEN):
        return no_evidence(), no_evidence()
    source, target = sides
    asked = [
        MetricTarget(name=side.name, endpoint=endpoint, variant=side.variant, component=component, moving=True)
        for side, endpoint, component in (
            (source, move.ask.from_endpoint, move.ask.component),
            (target, move.ask.to_endpoint, move.to_component),
        )
        if side is not None
    ]
    # Long enough to show the whole quiet that a drain asks for, with the delay of the metrics.
    window = max(WINDOW_S, needed_s(terms) + WINDOW_S)
    found = ports.metrics.evidence(asked, now, window)
    return (
        found.get(source.name, no_evidence()) if source else no_evidence(),
        found.get(target.name, no_evidence()) if target else no_evidence(),
    )
