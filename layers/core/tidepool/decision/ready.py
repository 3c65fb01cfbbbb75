"""What a model is to be ready for: the cheapest of the candidates, by its own past and its own prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidepool.config.types import ModelConfig
from tidepool.decision.subjects import Home
from tidepool.fleet.demand import Values
from tidepool.forecast.blocks import highest_rate, moment
from tidepool.forecast.candidates import PATIENT, UNKNOWN, candidates, ceiling, span_and_room, words
from tidepool.forecast.features import TOPS
from tidepool.forecast.judging import Served, foretell
from tidepool.forecast.learning import seasons_of
from tidepool.memory import Judged, Learned, ModelLearned, ModelMemory
from tidepool.sizing.copies import copies_in_time
from tidepool.sizing.price import cheapest
from tidepool.sizing.spread import EXPONENTIAL, stepped

SETTLE_S = 120
"""A change blocks its component until it settles, so a raise looks this much further than the start-up:
a tick to notice, a minute for the metric."""


ASIDE = "; the forecast steps aside: it would have cost more"


@dataclass(frozen=True, slots=True)
class Ready:
    """Requests in flight to be ready for, and the words for where that figure comes from."""

    in_flight: float
    because: str


def served_at(home: Home, terms: ModelConfig, stretch: float = 1.0, spread: float = EXPONENTIAL) -> Served | None:
    """How that home serves the model; None where nobody knows what a copy serves there."""
    if not home.concurrency:
        return None
    concurrency, service_s = home.concurrency, home.service_s * stretch

    def copies(rates: Values) -> Values:
        needed = sized(rates * service_s, concurrency, service_s, terms, spread)
        return np.maximum(needed, max(terms.min_copies, 1 if terms.zero_after_s is None else 0))

    return Served(
        key=f"{home.hosting} {home.endpoint.instance_type}",
        lead_s=round(home.start_s) + SETTLE_S // 2,
        rate=concurrency / service_s,
        copies=copies,
    )


def sized(in_flight: Values, concurrency: float, service_s: float, terms: ModelConfig, spread: float) -> Values:
    """Copies or instances that start these loads within the model's objective."""
    return copies_in_time(
        in_flight,
        concurrency,
        wait_s=terms.start_within_s,
        service_s=service_s,
        attain=terms.attain,
        spread=spread,
    )


def sized_spread(learned: Learned, model: str) -> float:
    """How much the model's service times vary, in the steps that sizes follow; as exponential ones while unknown."""
    known = learned.models.get(model)
    return EXPONENTIAL if known is None else stepped(known.spread)


def ready_for(
    memory: ModelMemory, learned: Learned, model: str, home: Home, terms: ModelConfig, *, now: int, dial: float
) -> Ready:
    """The demand to be ready for over the time that a copy asked for now needs until it serves."""
    known = learned.models.get(model, ModelLearned())
    service_s = home.service_s * memory.stretch
    chosen, why = followed(known.judged, home, terms, dial)
    because = words(chosen) + why
    found = span_and_room(chosen)
    if found is not None:
        # Most models are best served by how high they went: the ensemble is asked for those that it serves better.
        span, room = found
        rate = highest_rate(memory, now, span, service_s) * room
        most = float(ceiling(highest_rate(memory, now, TOPS[0], service_s), known.top)) if known.top else rate
        return Ready(min(rate, most) * service_s, because)
    features = moment(memory, now, service_s, seasons_of(known, learned.groups), round(home.start_s) + SETTLE_S)
    foretold = foretell(known.judged, features)
    rates = candidates(features, foretold, np.array(known.judged.quantiles), known.top)[0]
    return Ready(float(rates[chosen]) * service_s, because)


def followed(judged: Judged, home: Home, terms: ModelConfig, dial: float) -> tuple[int, str]:
    """The candidate to follow, and why it is not the forecast's ('' when it is)."""
    if terms.start_within_s > home.start_s + SETTLE_S:
        return PATIENT, "; its callers can wait for a copy to start"
    if judged.arrived < 1 or not judged.held:
        return UNKNOWN, "; nothing is learned of it yet"
    chosen = cheapest(
        np.array(judged.held),
        np.array(judged.late),
        np.array(judged.turned),
        judged.arrived,
        unit_usd=home.unit_usd_per_hour,
        miss_usd=terms.miss_usd * dial,
        attain=terms.attain,
    )
    if span_and_room(chosen) is None:
        return chosen, ""
    return chosen, ASIDE if judged.quantiles else "; there is no forecast of it yet"
