"""Hour by hour: what the forecast was worth, and what being ready for each candidate would have cost.

The past is lived through again minute by minute, with what was known then: every member foretells, is held to what
came, and every candidate is charged the copies that it would have held and the requests that it would have left late.
Nothing here knows a price: sizing puts dollars to both, so that a new price needs no new learning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tidepool.fleet.demand import Values, rounded_all
from tidepool.forecast.candidates import COUNT, candidates
from tidepool.forecast.ensemble import SCORES, SCORES_KNOWN, blend, pinball, quantiles
from tidepool.forecast.expected import HOLD_S
from tidepool.forecast.features import BACK, Features, Seasons, of_minutes
from tidepool.forecast.members import NAMES, fit_ridge, members, ridge_columns
from tidepool.memory import Judged
from tidepool.units import DAY_S, HOUR_S, MINUTE_S, rounded

CONTEXT_S = DAY_S + 3 * HOUR_S
"""How much of the past a judgement reads: a day to fit and to judge anew, and what its first minute looks back on."""
LOSS_MINUTES = 240
"""Time constant of the members' losses: who was right in the last hours is listened to. Ours."""
MEMORY_MINUTES = 1440
"""Time constant of the candidates' accounts: a day has seen every hour once. Ours."""
SCORE_EVERY = 5
FIT_EVERY_S = 6 * HOUR_S
FIT_ROWS = 240
"""The ridge member is fitted once four hours of what came are known."""
HOLD = HOLD_S // MINUTE_S
"""Rows for which copies stay."""
FULL = 1.02
"""Copies count as too few from 2 % above their slots: less than that a minute's queue does not
make late: 2 % of 60 s are 1.2 s of waiting. Ours."""
NEARLY, NEAR = 1.5, 0.002
"""What half as much again would have left late is late for one request in 500: who was never late in the few hours that
are known is not ready for whatever comes. Objectives up to 99.8 % allow for it; it decides where late is dear. Ours."""


@dataclass(frozen=True, slots=True)
class Served:
    """How a model is served where it lives. `key` names hosting and type: another one is judged anew.

    lead_s: from asking until a copy serves. rate: requests per second one copy serves. copies: rates → copies.
    """

    key: str
    lead_s: int
    rate: float
    copies: Callable[[Values], Values]


SeasonsAt = Callable[[int], Seasons]
"""The same time before, as it was known at a moment: the past must not be foretold by what was learned from it."""


def judge(
    before: Judged, rates: Values, start_s: int, seasons_at: SeasonsAt, served: Served, top: float = 0.0
) -> Judged:
    """The accounts after every minute of `rates` (requests per second from `start_s` on) that is not in them yet.

    top: the busiest minute known before them.
    """
    lead = max(1, -(-served.lead_s // MINUTE_S))
    end_s = start_s + MINUTE_S * (len(rates) - lead)
    same = before.key == served.key and len(before.held) in (0, COUNT)
    known = before if same else Judged(key=served.key, losses=before.losses, ridge=before.ridge)
    first = max(
        known.until, start_s + (BACK + HOLD) * MINUTE_S if known.until else start_s + MINUTE_S, end_s - DAY_S * 3
    )
    while first < end_s:
        until = min(end_s, first - first % HOUR_S + HOUR_S)
        rows = range((first - start_s) // MINUTE_S, (until - start_s) // MINUTE_S)
        if until >= known.fitted + FIT_EVERY_S and rows.start >= FIT_ROWS:
            known = replace(known, ridge=_fitted(rates, start_s, rows.start - lead, seasons_at, lead), fitted=until)
        known = replace(_hour(known, rates, start_s, rows, seasons_at(first), served, lead, top), until=until)
        first = until
    return known


def foretell(known: Judged, features: Features) -> Values:
    """[n]: the ensemble's highest rate over the horizon."""
    ridge = np.array(known.ridge) if known.ridge else None
    losses = np.array(known.losses) if known.losses else np.ones(len(NAMES))
    return blend(members(features, ridge), losses)


def _hour(
    known: Judged,
    rates: Values,
    start_s: int,
    rows: range,
    seasons: Seasons,
    served: Served,
    lead: int,
    top: float,
) -> Judged:
    # Copies stay for a while after they were to be ready: what was asked for before the first row may still be there.
    # Those rows see the seasons and quantiles of this hour, which are minutes newer than theirs.
    earlier = min(HOLD, rows.start - 1)
    features = of_minutes(rates, start_s, range(rows.start - earlier, rows.stop), seasons, lead * MINUTE_S)
    came = _highest(rates, rows, lead)
    every = members(features, np.array(known.ridge) if known.ridge else None)
    forecasts = every[earlier:]
    weights = (1 - 1 / LOSS_MINUTES) ** np.arange(len(rows))[::-1] / LOSS_MINUTES
    losses = np.array(known.losses) if known.losses else np.zeros(len(NAMES))
    losses = losses * (1 - 1 / LOSS_MINUTES) ** len(rows) + weights @ pinball(came[:, None], forecasts)
    blended = blend(every, np.array(known.losses) if known.losses else losses)
    foretold = blended[earlier:]
    small = served.rate * 0.02
    scores = np.concatenate([known.scores, ((came + small) / (foretold + small))[::SCORE_EVERY]])[-SCORES:]
    ready = candidates(features, blended, np.array(known.quantiles), max(top, float(rates[: rows.start].max())))
    standing = _held(served.copies(ready))
    copies = standing[earlier:]
    asked = rates[rows.start + lead - 1 : rows.stop + lead - 1]
    slots = copies * served.rate * FULL
    over = (asked[:, None] > slots) + NEAR * (NEARLY * asked[:, None] > slots)
    late = over * asked[:, None] * MINUTE_S
    turned = np.diff(standing, axis=0, prepend=standing[:1])[earlier:] != 0
    fading = (1 - 1 / MEMORY_MINUTES) ** np.arange(len(rows))[::-1]
    faded = (1 - 1 / MEMORY_MINUTES) ** len(rows)

    def account(name: str, new: Values) -> tuple[float, ...]:
        old = np.array(getattr(known, name)) if getattr(known, name) else np.zeros(COUNT)
        return rounded_all(old * faded + fading @ new)

    return replace(
        known,
        losses=rounded_all(losses),
        scores=rounded_all(scores),
        quantiles=rounded_all(quantiles(scores)) if len(scores) >= SCORES_KNOWN else (),
        held=account("held", copies / 60),
        late=account("late", late),
        turned=account("turned", turned),
        arrived=rounded(known.arrived * faded + float(fading @ asked) * MINUTE_S),
    )


def _held(copies: Values) -> Values:
    """[n, COUNT]: the most of each row and the HOLD - 1 before it."""
    before = np.zeros((HOLD - 1, copies.shape[1]))
    most: Values = np.lib.stride_tricks.sliding_window_view(np.concatenate([before, copies]), HOLD, axis=0).max(axis=-1)
    return most


def _highest(rates: Values, rows: range, lead: int) -> Values:
    """[n]: the highest minute of the horizon that begins with each row."""
    windows = np.lib.stride_tricks.sliding_window_view(rates[rows.start : rows.stop + lead - 1], lead)
    highest: Values = windows.max(axis=1)
    return highest


def _fitted(rates: Values, start_s: int, last: int, seasons_at: SeasonsAt, lead: int) -> tuple[float, ...]:
    """The ridge member's coefficients over the last day before the row `last`, and the seasons before that."""
    rows = range(max(1, last - DAY_S // MINUTE_S), last)
    seasons = seasons_at(start_s + MINUTE_S * rows.start)
    columns = ridge_columns(of_minutes(rates, start_s, rows, seasons, lead * MINUTE_S))
    return rounded_all(fit_ridge(columns, _highest(rates, rows, lead)))
