"""What another fleet.yaml would do now: one look at the account, decided under both files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import time
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.sagemaker import SageMaker
from tidepool.config.capped import capped
from tidepool.config.differences import Difference, differences
from tidepool.config.load import load
from tidepool.config.types import Config
from tidepool.decision import pipeline
from tidepool.decision.record import Decision
from tidepool.errors import BadFleetFile, TidepoolError, Unreachable
from tidepool.fleet import Component, Endpoint, EndpointKind
from tidepool.fleet.identity import identity_of
from tidepool.memory import Memory
from tidepool.plan.change import SetBounds
from tidepool.plan.render import Row, aligned, change_row, change_usd, held_row, moment
from tidepool.runtime.observe import observe
from tidepool.runtime.ports import Ports
from tidepool.runtime.writers import with_scalers
from tidepool.units import usd
from tidepool_cli.live import account_ports, reading_clients
from tidepool_cli.output import bad_option
from tidepool_cli.stack import deployed
from tidepool_cli.validate import read_file

LIVE = "live"
"""Instead of a file: the one that is in force in the stack."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Both decisions about the same moment. `against` says what the new file is compared with."""

    against: str
    old: Decision
    new: Decision
    allows: tuple[Difference, ...]

    @property
    def models(self) -> Mapping[str, tuple[tuple[Row, ...], tuple[Row, ...]]]:
        """By model, where something else would be asked for or held: (rows under the old file, under the new)."""
        old, new = _by_model(self.old), _by_model(self.new)
        both = {name: (old.get(name, ()), new.get(name, ())) for name in sorted(old.keys() | new.keys())}
        return {name: (was, will) for name, (was, will) in both.items() if _asks(was) != _asks(will)}

    @property
    def usd_per_hour(self) -> float:
        """How much more the fleet costs once the new file's plan has settled, than under the old one's."""
        return self.new.spend.planned_usd_per_hour - self.old.spend.planned_usd_per_hour


def compared(fleet: Path, against: str, *, stack: str, region: str | None) -> Compared:
    """The new file beside the stack's (`live`), with the stack's memory, or beside another file, without one.

    BadInput when there is no such stack or file; Unreachable when AWS does not answer.
    """
    now, text = int(time()), read_file(fleet)
    if against == LIVE:
        there = deployed(stack, region)
        new = load(text, now=now, region=there.clients.region)
        try:
            old, commit = there.rehearsal.config.current()
        except BadFleetFile:
            hint = "upload one first, or name a file to compare with"
            raise bad_option("--compare", LIVE, allowed=f"a file in force in stack {stack}", hint=hint) from None
        what = f"the file in force in stack {stack}{f', {commit}' if commit else ''}"
        clients, ports, memory = there.clients, there.rehearsal, there.rehearsal.ledger.memory()
        new = capped(new, there.hands.rung)
    else:
        new = load(text, now=now, region=region or "")
        old, what = load(read_file(Path(against)), now=now, region=region or new.region), against
        clients = reading_clients(region or new.region or old.region or None)
        ports, memory = account_ports(clients, old), Memory.empty()
    try:
        seen = _Seen.of(clients, now)
        before, after = (_decided(ports, seen, config, memory, now) for config in (old, new))
    except TidepoolError:
        raise
    except Exception as error:  # botocore's own: no credentials, no region, no network
        raise Unreachable(f"AWS could not be read: {error}") from error
    return Compared(what, before, after, differences(old, new, now=now))


def _decided(ports: Ports, seen: _Seen, config: Config, memory: Memory, now: int) -> Decision:
    fleet = observe(replace(ports, hosting=seen.named(config.identity)), config, now)
    return pipeline.decide(with_scalers(ports, fleet), config, memory, now)


class _Seen(SageMaker):
    """One reading of the account: both decisions are about the same copies and machines, whatever changes meanwhile."""

    _all_endpoints: Mapping[str, Endpoint]
    _all_components: Mapping[str, Component]

    @classmethod
    def of(cls, clients: Clients, now: int) -> _Seen:
        read = cls(clients, stack="", identity=lambda: "name", clock=lambda: now)
        read._all_endpoints, read._all_components = SageMaker.endpoints(read), SageMaker.components(read)
        return read

    def named(self, identity: str) -> _Seen:
        """The same reading, with every home's model named as that file says."""

        def model(home: Component | Endpoint) -> str:
            return identity_of(identity, home.name, home.tags)

        other = _Seen(self._clients, stack="", identity=lambda: identity, clock=self._clock)
        other._all_components = {n: replace(c, model=model(c)) for n, c in self._all_components.items()}
        other._all_endpoints = {
            n: replace(e, model=model(e)) if e.kind is EndpointKind.DEDICATED else e
            for n, e in self._all_endpoints.items()
        }
        return other

    def endpoints(self) -> Mapping[str, Endpoint]:
        return self._all_endpoints

    def components(self) -> Mapping[str, Component]:
        return self._all_components


def _by_model(decision: Decision) -> dict[str, tuple[Row, ...]]:
    """What is asked for and what is held, by model; by the pool where it concerns no model."""
    lives = {home: model for model, homes in decision.homes.items() for home in homes}
    found: dict[str, list[Row]] = {}
    for change in decision.changes:
        found.setdefault(change.pool if isinstance(change, SetBounds) else change.model, []).append(change_row(change))
    for held in decision.held:
        found.setdefault(lives.get(held.subject, held.subject), []).append(held_row(held))
    return {name: tuple(rows) for name, rows in found.items()}


def _asks(rows: tuple[Row, ...]) -> list[tuple[str, ...]]:
    """What counts as a difference: what is done and what it costs, and of what is held which rule holds it."""
    return sorted((*row[:4], row[4].split(":")[0] if row[0] == "=" else "") for row in rows)


def lines(found: Compared) -> list[str]:
    """As text: what the new file allows more, each model that differs under both, and the dollars."""
    old, new = found.old.spend, found.new.spend
    models = found.models
    count = len({*found.old.homes, *found.new.homes})
    return [
        f"{moment(found.new.now)}: the new file beside {found.against}",
        *(f"allows more: {difference}" for difference in found.allows),
        *(line for name, both in models.items() for line in _told(name, *both)),
        f"{len(models)} of {count} models differ. {usd(old.now_usd_per_hour)}/h now; planned "
        f"{usd(old.planned_usd_per_hour)}/h under the old file, {usd(new.planned_usd_per_hour)}/h under the new: "
        f"{change_usd(found.usd_per_hour)}.",
    ]


def _told(name: str, was: tuple[Row, ...], will: tuple[Row, ...]) -> list[str]:
    """Both sides of one model, in the same columns."""
    nothing: Row = (" ", name, "nothing", "", "")
    rows = aligned([*(was or (nothing,)), *(will or (nothing,))])
    cut = len(was or (nothing,))
    return [*(f"old  {row}" for row in rows[:cut]), *(f"new  {row}" for row in rows[cut:])]


def value(found: Compared) -> dict[str, Any]:
    """As a script reads it."""
    return {
        "now": found.new.now,
        "against": found.against,
        "allows": [asdict(difference) for difference in found.allows],
        "models": {name: {"old": list(was), "new": list(will)} for name, (was, will) in found.models.items()},
        "usd_per_hour": {
            "now": found.old.spend.now_usd_per_hour,
            "old": found.old.spend.planned_usd_per_hour,
            "new": found.new.spend.planned_usd_per_hour,
        },
    }
