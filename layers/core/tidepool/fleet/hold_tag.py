"""A hold that people set as a tag on the resource itself: `tidepool:hold-until` with a date or a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from tidepool.fleet.hosting import Component, Endpoint
from tidepool.fleet.signals import Signal, SignalKind
from tidepool.units import DAY_S, HOUR_S

HOLD_TAG = "tidepool:hold-until"
LONGEST_S = 30 * DAY_S
"""Every hold ends (fleet-yaml.md, rule 4): a tag further away holds for so long from each look, and says so."""


def hold_by_tag(model: str, name: str, tags: Mapping[str, str], *, now: int) -> Signal | None:
    """The hold that the resource `name` of `model` carries, or None when it carries none or it is over.

    A value that cannot be read holds: whoever set it meant a hold. A date ends with its day, in UTC.
    """
    word = tags.get(HOLD_TAG)
    if word is None or not model:
        return None
    until, why = _until(word.strip(), now)
    if until <= now:
        return None
    return Signal(SignalKind.HOLD, model, 0, until, f"tag on {name}", f"{HOLD_TAG}={word}{why}")


def holds_by_tag(homes: Iterable[Component | Endpoint | None], now: int) -> tuple[Signal, ...]:
    """The holds that these homes carry, in their order; None is a home that is not there."""
    found = (hold_by_tag(home.model, home.name, home.tags, now=now) for home in homes if home is not None)
    return tuple(signal for signal in found if signal is not None)


def _until(word: str, now: int) -> tuple[int, str]:
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return now + HOUR_S, " cannot be read as a date; write 2026-12-15 or 2026-12-15T18:00:00Z"
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    until = int(moment.timestamp()) + (DAY_S if len(word) == len("2026-12-15") else 0)
    if until > now + LONGEST_S:
        return now + LONGEST_S, " is more than 30 days away"
    return until, ""
