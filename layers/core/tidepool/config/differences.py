"""What a new fleet.yaml allows that the old one did not: such a file is accepted, and announced.

Three kinds count (fleet-yaml.md, rule 7): a rung raised, a floor lowered, a hold dropped. Everything else a file
changes can only make Tidepool more careful, or is read in the commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from tidepool.config.notation import clock_text, days_text
from tidepool.config.resolve import model_config
from tidepool.config.types import Bounds, Config, Hold, ModelConfig, PoolConfig, Rung, Schedule

DAY_MINUTES = 24 * 60


class Kind(StrEnum):
    RUNG_RAISED = "rung raised"
    FLOOR_LOWERED = "floor lowered"
    HOLD_DROPPED = "hold dropped"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the new file allows. `subject` is a model, a glob, 'pool NAME' or 'fleet.yaml'."""

    kind: Kind
    subject: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.kind} for {self.subject}: {self.before} → {self.after}"


def differences(old: Config, new: Config, *, now: int) -> tuple[Difference, ...]:
    """Every rung raised, floor lowered and hold dropped, in the order of the new file, then of the old one.

    Models are compared by every key of either file, so a name that a glob took over is compared with that glob.
    A hold or a date that is over at `now` is not missed.
    """
    found: list[Difference] = []
    if new.act > old.act:
        found.append(Difference(Kind.RUNG_RAISED, "fleet.yaml", _rung(old.act), _rung(new.act)))
    for name in dict.fromkeys((*new.pools, *old.pools)):
        found += _pool(f"pool {name}", old.pools.get(name), new.pools.get(name), now)
    for key in dict.fromkeys((*_keys(new), *_keys(old))):
        found += _model(key, _resolved(old, key), _resolved(new, key), now)
    return tuple(found)


def _keys(config: Config) -> Iterator[str]:
    yield from config.names
    yield from (glob for glob, _ in config.globs)


def _resolved(config: Config, key: str) -> ModelConfig:
    """A key's values; a glob that the file does not hold is looked up like a name, so that `a*` is under `*`."""
    return dict(config.globs).get(key) or model_config(config, key)


def _pool(subject: str, old: PoolConfig | None, new: PoolConfig | None, now: int) -> Iterator[Difference]:
    """A pool that is newly declared raises no rung by itself: the lower of its own and the model's holds."""
    if old is not None and new is not None and new.act > old.act:
        yield Difference(Kind.RUNG_RAISED, subject, _rung(old.act), _rung(new.act))
    writes = [pool is not None and pool.bounds is Bounds.WRITE for pool in (old, new)]
    if writes == [False, True]:
        yield Difference(Kind.RUNG_RAISED, subject, "bounds not written", "bounds written")
    yield from _hold(subject, old.hold if old else None, new.hold if new else None, now)


def _model(subject: str, old: ModelConfig, new: ModelConfig, now: int) -> Iterator[Difference]:
    if new.act > old.act:
        yield Difference(Kind.RUNG_RAISED, subject, _rung(old.act), _rung(new.act))
    if new.min_copies < old.min_copies:
        yield Difference(Kind.FLOOR_LOWERED, subject, f"min_copies {old.min_copies}", f"min_copies {new.min_copies}")
    for line in old.schedule:
        if not _over(line, now):
            yield from _scheduled(subject, line, new)
    yield from _hold(subject, old.hold, new.hold, now)


def _scheduled(subject: str, line: Schedule, new: ModelConfig) -> Iterator[Difference]:
    """The lowest that the new file keeps at any minute of an old line, if it is lower than the line."""
    if line in new.schedule:
        return
    days = (line.date,) if line.date else line.days
    kept = min(max(_kept(new, day, minute), new.min_copies) for day in days for minute in _turns(line, new.schedule))
    if kept < line.min_copies:
        when = f"{line.date or days_text(line.days)} {clock_text(line.from_minute)}-{clock_text(line.to_minute)}"
        yield Difference(Kind.FLOOR_LOWERED, subject, f"min_copies {line.min_copies} on {when}", f"min_copies {kept}")


def _turns(line: Schedule, schedule: tuple[Schedule, ...]) -> tuple[int, ...]:
    """The minutes of the line at which the new floor can change: its own start, and the others' edges inside it."""
    edges = {minute for other in schedule for minute in (_minutes(other).start, _minutes(other).stop)}
    return (line.from_minute, *sorted(edge for edge in edges if edge in _minutes(line)))


def _kept(model: ModelConfig, day: int | str, minute: int) -> int:
    """The new schedule's floor `minute` minutes after the local midnight that begins `day`.

    Only lines that begin on that day are looked at: a line that reaches over from the day before is left out, so
    that the answer can announce too much and never too little.
    """
    lines = (line for line in model.schedule if minute in _minutes(line) and _on(line, day))
    return max((line.min_copies for line in lines), default=0)


def _on(line: Schedule, day: int | str) -> bool:
    if isinstance(day, int):
        return day in line.days
    return line.date == day or date.fromisoformat(day).weekday() in line.days


def _minutes(line: Schedule) -> range:
    past_midnight = line.to_minute <= line.from_minute
    return range(line.from_minute, line.to_minute + (DAY_MINUTES if past_midnight else 0))


def _over(line: Schedule, now: int) -> bool:
    """A date that lies two days back is over in every zone, also past its midnight."""
    return bool(line.date) and date.fromisoformat(line.date) < datetime.fromtimestamp(now, UTC).date() - timedelta(2)


def _hold(subject: str, old: Hold | None, new: Hold | None, now: int) -> Iterator[Difference]:
    if old is not None and old.until > now and (new is None or new.until < old.until):
        after = "no hold" if new is None else "a shorter hold"
        yield Difference(Kind.HOLD_DROPPED, subject, f"held: {old.why}", after)


def _rung(rung: Rung) -> str:
    return rung.name.lower()
