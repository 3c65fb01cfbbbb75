"""What no account says and a person must decide, with what was seen of each: the page that `init` writes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tidepool.units import DAY_S, MINUTE_S
from tidepool_cli.account.asker import Gap
from tidepool_cli.account.files import by_model
from tidepool_cli.account.found import Account

VERSIONED = re.compile(r"^(.+?)[-_.]?(?:v\d+|\d{4}-?\d{2}-?\d{2}|\d{8,}|[0-9a-f]{7,40})$")
"""A name that ends like a version: -v37, a date, a hash."""
GAPS_SHOWN = 40


def page(account: Account, identity: str, *, calls: int) -> str:
    """Markdown. A section without anything to decide is left out."""
    parts = [
        f"# To decide: {account.account}, {account.region}, {_moment(account.at)}",
        f"Read with {calls} calls. Each answer belongs into fleet.yaml; docs/fleet-yaml.md has the words.",
        *_section("Which homes are one model?", _identity(account, identity)),
        *_section("What is each model for?", _classes(account)),
        *_section("Who else sets copies and instances?", _scalers(account)),
        *_section("Reserved machines", _reserved(account)),
        *_section("Cannot move", [f"- {name}: {why}" for name, why in unmovable(account)]),
        *_section("Not set", NOT_SET),
        *_section("Not read", list(_gaps(account.gaps))),
    ]
    return "\n\n".join(parts) + "\n"


NOT_SET = [
    "- `safety.freeze`: which alarms and Change Calendars hold everything but raising?",
    "- `safety.move_hours`: when may a model move? Always, unless it is written.",
    "- `money.budget_usd_per_hour`: none unless it is written.",
    "- `owner` of each model: whom to ask.",
]


def unmovable(account: Account) -> Iterator[tuple[str, str]]:
    """(home, why it cannot move), by name; endpoints that host no single model too."""
    yield from sorted((one.name, one.unmovable) for one in account.components.values() if one.unmovable)
    yield from sorted((one.name, one.unmovable) for one in account.endpoints.values() if one.unmovable)


def alike(names: Iterable[str]) -> dict[str, list[str]]:
    """Names that differ only in what ends like a version, by what they share."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        match = VERSIONED.match(name)
        if match:
            found.setdefault(match.group(1), []).append(name)
    return {stem: several for stem, several in found.items() if len(several) > 1}


def _identity(account: Account, identity: str) -> list[str]:
    if identity != "name":
        return [f"`identity: {identity}`: every home carries this tag. Is it the model's name on each?"]
    lines = ["`identity: name`: no tag that speaks of a model is on every home. Each name is then a model of its own."]
    for stem, names in alike(home.name for home in account.homes).items():
        lines.append(
            f"- {', '.join(names)} look like versions of {stem}: give them one tag, or history ends with each."
        )
    return lines


def _classes(account: Account) -> list[str]:
    days = max(1, (account.history[1] - account.history[0]) // DAY_S)
    minutes = (account.history[1] - account.history[0]) // MINUTE_S
    loads = by_model(account)
    rows = [
        f"| {model} | {load.total / days:,.0f} | {max(load.requests.values()):,} | "
        f"{1 - len(load.requests) / minutes:.0%} |"
        for model, load in loads.items()
    ]
    silent = sorted({home.model for home in account.homes if home.model} - loads.keys())
    lines = [
        "`interactive`: somebody waits for it; `background`: it may sleep and start within minutes; else `standard`.",
    ]
    if rows:
        head = ["| model | requests a day | busiest minute | minutes without a request |", "|---|---|---|---|"]
        lines.append("\n".join(["", *head, *rows, ""]))
    if silent:
        lines.append(f"- no request was seen in {days} days: {', '.join(silent)}. Are they needed?")
    return lines


def _scalers(account: Account) -> list[str]:
    lines = []
    for scaler in account.scalers:
        what = ", ".join((*scaler.policies, *scaler.schedules)) or "no policy"
        state = " (suspended)" if scaler.suspended else ""
        lines.append(f"- {scaler.resource}: {scaler.minimum} to {scaler.maximum}, {what}{state}")
    if lines:
        lines.append("- `writers.autoscaling`: yield, floor or adopt? Two writers of one count undo each other.")
    return lines


def _reserved(account: Account) -> list[str]:
    return [
        f"- {one.endpoint}: {one.name}, {one.instances} instances, "
        + (
            f"ends {_moment(one.ends)}, and is left before: where its models go then, `reserved` at its pool may say"
            if one.ends
            else "its end could not be read: write `reserved: {instances, until, then}` at its pool"
        )
        for one in account.reservations
    ]


def _gaps(gaps: Iterable[Gap]) -> Iterator[str]:
    found = list(gaps)
    for gap in found[:GAPS_SHOWN]:
        yield f"- {gap.why}: {gap.action}{f' of {gap.target}' if gap.target else ''}"
    if len(found) > GAPS_SHOWN:
        yield f"- and {len(found) - GAPS_SHOWN} more"
    if found:
        yield "- denied: docs/read-only-policy.json grants each of them. Throttled: run it again with --force later."


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "\n".join(lines)] if lines else []


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
