"""`tidepool migrate`: a fleet from one instance type to another, wave by wave, asked of the stack by events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidepool_cli.asking import person_options, stack_options
from tidepool_cli.output import WRONG, bad_option, exits_with_problems, write_json

if TYPE_CHECKING:
    from tidepool.move.state import Move
    from tidepool.runtime.ask_move import Wish
    from tidepool_cli.migration import Quota
    from tidepool_cli.stack import Deployed


@click.command()
@click.option("--from", "from_type", required=True, metavar="TYPE", help="The type that the fleet leaves.")
@click.option("--to", "to_type", required=True, metavar="TYPE", help="The type that it goes to.")
@click.option("--at-a-time", default=1, show_default=True, type=click.IntRange(1), help="Moves under way at once.")
@click.option("--dry-run", is_flag=True, help="Show the waves, who cannot move, and the quota; ask nothing.")
@person_options
@stack_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    from_type: str,
    to_type: str,
    at_a_time: int,
    dry_run: bool,
    why: str | None,
    who: str | None,
    stack: str,
    region: str | None,
    json_file: Path | None,
) -> None:
    """Move every model from one instance type to another: shared to a pool of that type, dedicated to dedicated.

    Cheapest risk first: the lowest class, then the cheapest to miss. One run begins as many moves as --at-a-time
    and the limits of fleet.yaml leave room for, and ends; run it again to go on, as often as you like.

    \b
    Examples:
      tidepool migrate --from ml.p4d.24xlarge --to ml.p5en.48xlarge --dry-run
      tidepool migrate --from ml.p4d.24xlarge --to ml.p5en.48xlarge --at-a-time 2 --why CHG-4720

    Exit codes: 0 the next wave was asked for, is under way, or nobody is left; 1 nobody who is left can move.
    """
    from tidepool_cli.stack import asking, deployed

    if from_type == to_type:
        raise bad_option("--to", to_type, allowed="another type than --from")
    account = deployed(stack, region)
    who, why = ("you", "a dry run") if dry_run else asking(account, who, why)
    seen = _look(account, from_type=from_type, to_type=to_type, who=who, why=why)
    begun, refused, bound = _begun(account, seen, at_a_time)
    if not dry_run:
        for wish in begun:
            account.send("tidepool.move", "move", asdict(wish))
    write_json(json_file, _as_value(seen, at_a_time, refused=refused, begun=[] if dry_run else begun))
    if str(json_file) != "-":
        lines = _plan(seen, at_a_time=at_a_time, title=f"From {from_type} to {to_type}")
        lines += [f"Under way: {', '.join(seen.under_way)}."] if seen.under_way else []
        lines += [f"Refused now: {model}: {reason}" for model, reason in refused.items()]
        lines += _next(begun, left=len(seen.movable) - len(begun), bound=bound, dry_run=dry_run)
        for line in lines:
            click.echo(line)
    if seen.stuck and not seen.movable and not seen.under_way:
        raise SystemExit(WRONG)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is left to do: each move as it would begin alone, cheapest risk first, and what stands against the rest."""

    movable: tuple[tuple[Wish, Move], ...]
    stuck: Mapping[str, str]
    under_way: tuple[str, ...]
    both: tuple[Quota, Quota]
    notes: tuple[str, ...]

    @property
    def moves(self) -> list[Move]:
        return [move for _, move in self.movable]


def _look(account: Deployed, *, from_type: str, to_type: str, who: str, why: str) -> Seen:
    from tidepool.config.resolve import model_config
    from tidepool.errors import BadInput
    from tidepool.plan.change import change_id
    from tidepool.runtime.ask_move import Wish, begin_asked, routed_to
    from tidepool.runtime.observe import instance_types
    from tidepool_cli import migration
    from tidepool_cli.stack import clock

    now, (config, _) = clock(), account.rehearsal.config.current()
    endpoints, components = account.sagemaker.endpoints(), account.sagemaker.components()
    models = {c.model for c in components.values()} | {e.model for e in endpoints.values()}
    routed = {m: routed_to(account.rehearsal, model_config(config, m)) for m in sorted(models) if m}
    routed = {model: home for model, home in routed.items() if home}
    moving = {move.ask.model for move in account.rehearsal.ledger.moves()}
    movable, stuck, under_way = [], {}, []
    places = migration.destinations(config, endpoints, components, routed, from_type=from_type, to_type=to_type)
    for place in places:
        if place.model in moving:
            under_way.append(place.model)
        elif place.stuck:
            stuck[place.model] = place.stuck
        else:
            identity = change_id(now, "move", place.model, to_type)
            wish = Wish(identity, place.model, place.to, who, why, place.instance_type)
            try:
                move = begin_asked(account.alone, wish, now)
            except BadInput as error:
                stuck[place.model] = "; ".join(str(problem) for problem in error.problems)
                continue
            if move.phase.ended:
                stuck[place.model] = move.why
            else:
                movable.append((wish, move))
    kinds = instance_types(account.rehearsal, config, [from_type, to_type])
    moves = [move for _, move in movable]
    both = migration.quotas(moves, endpoints, components, kinds, from_type=from_type, to_type=to_type)
    notes = migration.without_a_move(config, endpoints, components, from_type=from_type, to_type=to_type)
    return Seen(tuple(movable), stuck, tuple(under_way), both, notes)


def _begun(account: Deployed, seen: Seen, at_a_time: int) -> tuple[list[Wish], dict[str, str], str]:
    """(those that may begin now; those that the stack would refuse now, and why; what bounds how many)."""
    from tidepool.runtime.ask_move import begin_asked
    from tidepool.units import DAY_S
    from tidepool_cli import migration
    from tidepool_cli.stack import clock

    now, (config, _) = clock(), account.rehearsal.config.current()
    ledger = account.rehearsal.ledger
    known = (*ledger.moves(), *ledger.ended_moves(now - DAY_S))
    room, bound = migration.slots(config.safety.limits, at_a_time, known, now)
    begun, refused = [], {}
    for wish, _ in seen.movable[:room]:
        move = begin_asked(account.rehearsal, wish, now)
        if move.phase.ended:
            refused[wish.model] = move.why
        else:
            begun.append(wish)
    return begun, refused, bound


def _as_value(seen: Seen, at_a_time: int, *, refused: Mapping[str, str], begun: Sequence[Wish]) -> dict[str, Any]:
    return {
        "waves": [[move.ask.model for move in wave] for wave in _waves(seen.moves, at_a_time)],
        "moves": [{"model": wish.model, "to": wish.to} for wish, _ in seen.movable],
        "stuck": dict(seen.stuck),
        "refused_now": dict(refused),
        "under_way": list(seen.under_way),
        "quota": [{**asdict(quota), "short": quota.short} for quota in seen.both],
        "without_a_move": list(seen.notes),
        "begun": [{"model": wish.model, "move": wish.id} for wish in begun],
    }


def _plan(seen: Seen, *, at_a_time: int, title: str) -> list[str]:
    from tidepool.plan.render import aligned, change_row

    waves = _waves(seen.moves, at_a_time)
    count = f"{len(seen.moves)} to move in {len(waves)} waves of up to {at_a_time}, {len(seen.stuck)} cannot"
    lines = [f"{title}: {count}."]
    for number, wave in enumerate(waves, start=1):
        lines += [f"wave {number}", *aligned([change_row(move.ask) for move in wave])]
        lines += [f"  note: {move.ask.model}: {move.why}" for move in wave if move.why]
    if seen.stuck:
        lines += ["cannot move", *aligned([("=", model, "stays", "", why) for model, why in seen.stuck.items()])]
    for quota in seen.both:
        allowed = "unknown" if quota.allowed is None else str(quota.allowed)
        short = f": {quota.short} short, ask for them before" if quota.short else ""
        lines.append(
            f"quota of {quota.instance_type}: {quota.used} in use, {quota.more} more, {allowed} allowed{short}"
        )
    return [*lines, *(f"note: {note}" for note in seen.notes)]


def _next(begun: Sequence[Wish], *, left: int, bound: str, dry_run: bool) -> list[str]:
    if dry_run:
        return ["Nothing was asked."]
    asked = [f"Asked for {', '.join(f'{wish.model} (move {wish.id})' for wish in begun)}."] if begun else []
    if not left:
        return [*asked, "Nobody else is left to move."]
    return [*asked, f"{left} are left, {bound}: run this again when these have ended."]


def _waves(moves: list[Move], at_a_time: int) -> list[list[Move]]:
    return [moves[first : first + at_a_time] for first in range(0, len(moves), at_a_time)]
