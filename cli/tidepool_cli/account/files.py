"""The files that `init` writes, from what was found. Pure."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tidepool.config.types import Hosting
from tidepool.fleet import Component, Endpoint
from tidepool.units import DAY_S, MINUTE_S, WEEK_S
from tidepool_cli.account.found import Account, Load

MONDAY = 4 * DAY_S
"""1970-01-05 00:00 UTC was a Monday: minute 0 of a trace is a Monday's first (docs/simulate.md)."""
START_S = 216
"""Assumed for every model: the slower end of customers' median start after image caching (sagemaker-facts, Times)."""
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
HOSTS = frozenset({"auto", *(str(hosting) for hosting in Hosting)})
"""Words of `host` (docs/fleet-yaml.md)."""
WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})
"""Names that YAML 1.1 would not read as text."""


def identity_in(homes: Iterable[Component | Endpoint]) -> str:
    """'tag:KEY' where every home carries a tag whose key speaks of the model, the plainest first; else 'name'."""
    carried = [set(home.tags) for home in homes]
    common = set.intersection(*carried) if carried else set()
    keys = sorted((key for key in common if "model" in key.lower()), key=lambda key: (len(key), key))
    return f"tag:{keys[0]}" if keys else "name"


def fleet_text(account: Account, identity: str) -> str:
    """The ten lines: what a person intends cannot be read, so that every model is standard and nothing is written."""
    pools = [
        f"  {pool_key(pool.name)}: {'{}' if pool_key(pool.name) == key(pool.name) else f'{{endpoint: {pool.name}}}'}"
        for pool in account.pools
    ]
    return "\n".join(
        [
            f"# fleet.yaml of account {account.account}, begun by `tidepool init` on {_day(account.at)}",
            "schema: 1",
            f"region: {account.region}",
            f"identity: {identity}",
            "act: watch                     # nothing is written to SageMaker",
            *(["pools:", *pools] if pools else []),
            "models:",
            '  "*": {class: standard}       # interactive, standard or background: to-decide.md has what was seen',
            "",
        ]
    )


def by_model(account: Account) -> dict[str, Load]:
    """All homes' loads of each model that had a request. Of several homes the busiest copy and the slowest count."""
    found: dict[str, Load] = {}
    for home in account.homes:
        load = account.loads.get(home.name, Load())
        if not load.total or not home.model:
            continue
        before = found.get(home.model, Load())
        requests = Counter(before.requests)
        requests.update(load.requests)
        busiest, latency = max(before.busiest, load.busiest), max(before.latency_s, load.latency_s)
        found[home.model] = Load(dict(sorted(requests.items())), busiest, latency)
    return dict(sorted(found.items()))


def first_minute(account: Account) -> int:
    """The Monday 00:00 UTC on or before the history begins, in seconds since 1970: minute 0 of the trace."""
    since = account.history[0]
    return since - (since - MONDAY) % WEEK_S


def whole_days(account: Account) -> tuple[int, int]:
    """(the first day of the trace that was seen from its start, how many there are up to the last whole one)."""
    zero, (since, until) = first_minute(account), account.history
    first = -(-(since - zero) // DAY_S)
    return first, max(0, (until - zero) // DAY_S - first)


def trace_bytes(account: Account) -> bytes:
    """minute,model,requests as docs/simulate.md has it, gzipped; the same account gives the same bytes."""
    zero = first_minute(account)
    rows = sorted(
        ((at - zero) // MINUTE_S, model, count)
        for model, load in by_model(account).items()
        for at, count in load.requests.items()
    )
    lines = ["minute,model,requests", *(f"{minute},{model},{count}" for minute, model, count in rows)]
    return gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)


def simulated_text(account: Account, identity: str) -> str:
    """A fleet.yaml for `simulate` and `bench` alone: what they cannot do without, as far as 14 days show it."""
    lines = [
        "# For `tidepool simulate` and `bench` alone. `concurrency` is the most that one copy was seen to hold",
        f"# at once, a lower bound; `service` is its mean ModelLatency; `start` is assumed ({START_S}s). Measure them",
        "# before you rely on it. A model on an endpoint of its own takes a whole machine.",
        "schema: 1",
        f"region: {account.region}",
        f"identity: {identity}",
        "act: run",
        "instances:",
        *_instances(account),
        "pools:",
        *_simulated_pools(account),
        "models:",
        *_shapes(account),
        '  "*": {class: standard}',
    ]
    return "\n".join([*lines, ""])


def _instances(account: Account) -> Iterator[str]:
    for name, kind in account.types.items():
        figures = f"accelerators: {kind.accelerators}, usd_per_hour: {kind.usd_per_hour:g}, quota: {kind.quota}"
        yield f"  {name}: {{{figures}}}"


def _simulated_pools(account: Account) -> Iterator[str]:
    """The account's pools, and one for each type that only dedicated endpoints run on."""
    known = set()
    for pool in account.pools:
        if pool.instance_type in account.types:
            known.add(pool.instance_type)
            yield f"  {pool_key(pool.name)}: {{types: [{pool.instance_type}], tenants: [all]}}"
    for name in sorted({e.instance_type for e in account.dedicated} - known):
        if name in account.types:
            yield f"  simulated-{name.replace('.', '-')}: {{types: [{name}], tenants: [all]}}"


def _shapes(account: Account) -> Iterator[str]:
    homes: dict[str, Component | Endpoint] = {}
    for home in account.homes:
        homes.setdefault(home.model, home)
    for model, load in by_model(account).items():
        home = homes[model]
        instance_type = _type_of(account, home)
        kind = account.types.get(instance_type)
        if kind is None or not load.latency_s:
            yield f"  # {model}: no figures of {instance_type}, or no ModelLatency was seen: write its shapes yourself"
            continue
        accelerators = home.accelerators_per_copy if isinstance(home, Component) else kind.accelerators
        figures = f"accelerators: {accelerators or 1}, concurrency: {max(1, round(load.busiest))}"
        shape = f"{{{figures}, service: {load.latency_s:.3g}s, start: {START_S}s}}"
        tail = "class: standard, tenant: all, route: {via: table}"
        yield f"  {key(model)}: {{{tail}, shapes: {{shared: {{{instance_type}: {shape}}}}}}}"


def _type_of(account: Account, home: Component | Endpoint) -> str:
    if isinstance(home, Endpoint):
        return home.instance_type
    endpoint = account.endpoints.get(home.endpoint)
    return endpoint.instance_type if endpoint else ""


def pool_key(endpoint: str) -> str:
    """The endpoint's name as a pool's key; another where `host` means something else by it."""
    return f"{endpoint}-pool" if endpoint in HOSTS else key(endpoint)


def key(name: str) -> str:
    """The name as a YAML key: quoted where YAML would read something else."""
    return name if PLAIN.fullmatch(name) and name.lower() not in WORDS else json.dumps(name)


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
