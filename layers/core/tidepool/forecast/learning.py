"""What the past teaches: each model's weekly profile, which forecast was best, and what being ready cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tidepool.fleet import Series
from tidepool.fleet.demand import Values, rounded_all
from tidepool.forecast.features import Seasons
from tidepool.forecast.idle import idle_after
from tidepool.forecast.judging import Served, judge
from tidepool.forecast.profile import BUCKET_S, BUCKETS, DAY_BUCKETS, bucket
from tidepool.memory import Learned, ModelLearned
from tidepool.units import DAY_S, MINUTE_S, rounded

NEWEST_WEIGHT = 0.6
"""Weight of the newest observation of a bucket against what was known: a day two weeks back weighs 0.16. Ours."""
TOP_KEPT = 0.9
"""Share of the busiest minute that is remembered a day later: half of it after a week. Ours."""


def learn(
    learned: Learned,
    history: Mapping[str, Series],
    now: int,
    *,
    served: Mapping[str, Served] | None = None,
    groups: Mapping[str, str] | None = None,
) -> Learned:
    """What is known after `history` (requests per minute by model, whole ten-minute buckets of it are used).

    A minute without a datapoint is a minute without requests: the caller gives history only of minutes in which
    the model had copies or its callers were answered. A model without new history keeps what it had. `served`: how
    each model is served where it lives; one that is missing is not judged. `groups`: each model's class.
    """
    models = dict(learned.models)
    until = learned.until
    groups = groups or {}
    for name in sorted(history):
        known = replace(models.get(name, ModelLearned()), group=groups.get(name, ""))
        minutes, first = _bucket_minutes(history[name], learned.until)
        if minutes.size:
            rates = minutes.mean(axis=1)
            grown = _after(known, rates, minutes.max(axis=1), first)
            models[name] = replace(grown, idle=idle_after(known.idle, minutes.ravel(), first))
            until = max(until, first + len(minutes) * BUCKET_S)
    profiles = _group_profiles(models)
    for name in sorted(set(history) & set(served or {}) & set(models)):
        before = learned.models.get(name)
        then, at = (models[name], until) if before is None else (before, learned.until)
        models[name] = _judged(models[name], then, at, history[name], learned.groups, (served or {})[name])
    return Learned(until=until, models=dict(sorted(models.items())), groups=profiles)


def seasons_of(known: ModelLearned, groups: Mapping[str, tuple[float, ...]]) -> Seasons:
    """What is known of the same time before, where a whole day is."""
    if known.minutes * MINUTE_S < DAY_S:
        return Seasons()
    return Seasons(known.week, known.profile, groups.get(known.group, ()))


def seasons_before(known: ModelLearned, groups: Mapping[str, tuple[float, ...]], at: int, until: int) -> Seasons:
    """What was known at `at`: without the buckets of [at, until), `until` being when `known` was learned.

    What they said a week before is gone: the same time of the other days stands for it. A group's tide was learned
    from them too, and is left out.
    """
    if at >= until:
        return seasons_of(known, groups)
    buckets = -(-(until - at) // BUCKET_S)
    if known.minutes * MINUTE_S - buckets * BUCKET_S < DAY_S or not known.profile:
        return Seasons()
    mask = np.array([(known.seen >> i) & 1 for i in range(BUCKETS)], dtype=bool)
    mask[(bucket(at) + np.arange(min(buckets, BUCKETS))) % BUCKETS] = False
    filled = _filled(np.array(known.profile), mask)
    week = np.where(mask, np.array(known.week), filled)
    return Seasons(tuple(week.tolist()), tuple(filled.tolist()))


def _judged(
    known: ModelLearned,
    then: ModelLearned,
    until: int,
    series: Series,
    groups: Mapping[str, tuple[float, ...]],
    served: Served,
) -> ModelLearned:
    """With the accounts of the minutes that are new, by the seasons of `then`, learned at `until`."""
    rates = np.nan_to_num(series.values, nan=0.0, posinf=0.0, neginf=0.0).clip(min=0) / series.step_s
    top = 0.0 if then is known else then.top

    def seasons_at(at: int) -> Seasons:
        return seasons_before(then, groups, at, until)

    return replace(known, judged=judge(known.judged, rates, series.start_s, seasons_at, served, top))


def _group_profiles(models: Mapping[str, ModelLearned]) -> dict[str, tuple[float, ...]]:
    """The mean profile of each group of two models or more: its tide, steadier than one model's."""
    members: dict[str, list[tuple[float, ...]]] = {}
    for known in models.values():
        if known.group and known.profile:
            members.setdefault(known.group, []).append(known.profile)
    return {
        group: rounded_all(np.mean(profiles, axis=0))
        for group, profiles in sorted(members.items())
        if len(profiles) > 1
    }


def _bucket_minutes(series: Series, since: int) -> tuple[Values, int]:
    """Requests per second [buckets, minutes] of each whole bucket from `since` on, and when the first begins."""
    first = -(-max(series.start_s, since) // BUCKET_S) * BUCKET_S
    skip = (first - series.start_s) // series.step_s
    per_bucket = BUCKET_S // series.step_s
    usable = series.values[skip:]
    count = len(usable) // per_bucket
    whole = np.nan_to_num(usable[: count * per_bucket], nan=0.0, posinf=0.0, neginf=0.0).clip(min=0)
    return whole.reshape(count, per_bucket) / series.step_s, first


def _after(known: ModelLearned, rates: Values, tops: Values, first: int) -> ModelLearned:
    """One model's knowledge after these buckets (mean rate, busiest minute), the first of which begins at `first`."""
    seen = np.array([(known.seen >> i) & 1 for i in range(BUCKETS)], dtype=bool)
    own = np.array(known.profile) if known.profile else np.zeros(BUCKETS)
    week = np.array(known.week) if known.week else np.zeros(BUCKETS)
    start = bucket(first)
    for offset, rate in enumerate(rates):
        i = (start + offset) % BUCKETS
        week[i] = rate
        own[i] = NEWEST_WEIGHT * rate + (1 - NEWEST_WEIGHT) * own[i] if seen[i] else rate
        seen[i] = True
    filled = _filled(own, seen)
    return replace(
        known,
        profile=rounded_all(filled),
        week=rounded_all(np.where(seen, week, filled)),
        minutes=known.minutes + rates.size * BUCKET_S // 60,
        top=rounded(max(known.top * TOP_KEPT ** (rates.size / DAY_BUCKETS), float(tops.max()))),
        seen=sum(1 << int(i) for i in np.flatnonzero(seen)),
    )


def _filled(own: Values, seen: Values) -> Values:
    """The profile with each bucket never seen taken from the same time of the days that were, newest weighing most.

    Without this a fleet has no forecast in its first week. The same time of day of any seen day is the seasonal
    naive forecast; the mean over them is steadier.
    """
    days, mask = own.reshape(7, DAY_BUCKETS), seen.reshape(7, DAY_BUCKETS)
    counts = mask.sum(axis=0)
    daily = np.divide((days * mask).sum(axis=0), counts, out=np.zeros(DAY_BUCKETS), where=counts > 0)
    filled: Values = np.where(mask, days, daily).reshape(BUCKETS)
    return filled
