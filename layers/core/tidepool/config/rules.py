"""What the blocks of fleet.yaml mean together: every problem that no single field can see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tidepool.config.classes import CLASSES, DEFAULT_TIMEZONE, MAX_HOLD_S
from tidepool.config.fields import nearest
from tidepool.config.globs import is_glob, ties
from tidepool.config.layers import Layers, globs_of, keys_of, layers_of
from tidepool.config.notation import moment_s
from tidepool.config.schema import (
    NEVER_ZERO,
    ClassBlock,
    FleetFile,
    HoldBlock,
    RouteBlock,
    ScheduleBlock,
    ShapesBlock,
)
from tidepool.config.types import Via
from tidepool.config.yaml_source import Path, Source, path_text
from tidepool.errors import Problem
from tidepool.units import DAY_S

MAX_MODELS = 2000
MAX_GLOBS = 200
"""Every pair of globs is compared: 200 take 0.1 s, 2,000 would take 10 s of a Lambda function. Ours."""
_ANYWHERE = ("auto", "dedicated", "shared")

Refuse = Callable[..., Problem]


def problems_of(file: FleetFile, source: Source, now: int | None) -> Iterator[Problem]:
    """Every problem between blocks. `now` None: a hold's length is not judged."""

    def refuse(path: Path, value: object, *, allowed: str, hint: str = "") -> Problem:
        return Problem(path_text(path), value, allowed, hint, source.line_of(path))

    pools = _pool_names(source)
    timezone = file.timezone or DEFAULT_TIMEZONE
    if not _zone_exists(timezone):
        hint = nearest(timezone, available_timezones())
        yield refuse(("timezone",), timezone, allowed="a zone of the tz database, such as Europe/Berlin", hint=hint)
        timezone = DEFAULT_TIMEZONE
    yield from _pools(file, pools, refuse)
    yield from _holds(file, timezone, now, refuse)
    for name in CLASSES:
        block: ClassBlock | None = getattr(file.classes, name, None)
        if block is not None:
            yield from _block(("classes", name), block, pools, refuse)
            yield from _class_floor(("classes", name), block, name, refuse)
    yield from _models(file, pools, source, refuse)


def _models(file: FleetFile, pools: tuple[str, ...], source: Source, refuse: Refuse) -> Iterator[Problem]:
    models = file.models or {}
    if len(models) > MAX_MODELS:
        yield refuse(("models",), f"{len(models)} models", allowed=f"at most {MAX_MODELS}", hint="use globs")
        return
    globs = globs_of(file)
    if len(globs) > MAX_GLOBS:
        yield refuse(("models",), f"{len(globs)} globs", allowed=f"at most {MAX_GLOBS}", hint="write names out")
        return
    for one, other in ties(key for key in models if is_glob(key)):
        lines = f"lines {source.line_of(('models', one))} and {source.line_of(('models', other))}"
        yield refuse(
            ("models", other), other, allowed="globs of which one is more specific",
            hint=f"{one} and {other} ({lines}) can match the same model with the same literal prefix",
        )  # fmt: skip
    for key, block in models.items():
        path: Path = ("models", key)
        yield from _block(path, block, pools, refuse)
        for index, line in enumerate(block.schedule or ()):
            yield from _schedule((*path, "schedule", index), line, refuse)
        yield from _effective(path, layers_of(file, keys_of(file, key, globs=globs)), file, refuse)


def _block(path: Path, block: ClassBlock, pools: tuple[str, ...], refuse: Refuse) -> Iterator[Problem]:
    """What holds inside one class, glob or model."""
    if block.host is not None and block.host not in (*_ANYWHERE, *pools):
        words = (*_ANYWHERE, *pools)
        yield refuse((*path, "host"), block.host, allowed=f"one of {', '.join(words)}", hint=nearest(block.host, words))
    if block.zero not in (None, NEVER_ZERO) and block.min_copies:
        yield refuse(
            (*path, "zero"), "zero beside a floor", allowed="zero only with min_copies: 0",
            hint=f"min_copies {block.min_copies} is a floor and is never crossed",
        )  # fmt: skip
    if block.route is not None:
        yield from _route((*path, "route"), block.route, refuse)


def _class_floor(path: Path, block: ClassBlock, name: str, refuse: Refuse) -> Iterator[Problem]:
    floor = CLASSES[name].min_copies if block.min_copies is None else block.min_copies
    if block.max_copies is not None and floor > block.max_copies:
        at = (*path, "max_copies" if block.min_copies is None else "min_copies")
        yield refuse(at, f"a floor of {floor}", allowed=f"at most max_copies, which is {block.max_copies}")


def _route(path: Path, route: RouteBlock, refuse: Refuse) -> Iterator[Problem]:
    routed = route.via is Via.ROUTER
    for field, value in (("router", route.router), ("target", route.target)):
        if routed and value is None:
            yield refuse(
                (*path, field), "(nothing)", allowed="this key, which via: inference-router needs",
                hint="the router's name, and the routing target in it",
            )  # fmt: skip
        if not routed and value is not None:
            yield refuse((*path, field), value, allowed="only with via: inference-router")
    if route.ack is not None and route.via is not Via.GATEWAY:
        yield refuse((*path, "ack"), route.ack, allowed="only with via: gateway", hint="nobody else acknowledges")


def _schedule(path: Path, line: ScheduleBlock, refuse: Refuse) -> Iterator[Problem]:
    if (line.days is None) == (line.date is None):
        both = "both" if line.days is not None else "neither"
        yield refuse(path, both, allowed="either days or date", hint="write days: Mon-Fri or date: 2026-12-08")
    if line.min_copies is None and line.expect is None:
        yield refuse(path, "nothing asked", allowed="min_copies or expect", hint="write min_copies: 8 or expect: 1.6x")
    if line.from_ in (line.to, 24 * 60):
        yield refuse(
            path, "no time between from and to", allowed="two different times, from before 24:00",
            hint='a whole day is from "00:00" to "24:00"',
        )  # fmt: skip


def _effective(path: Path, layers: Layers, file: FleetFile, refuse: Refuse) -> Iterator[Problem]:
    """What holds once class, glob and name are laid over each other.

    Only where one of the lines stands under this key: what a name inherits as a whole is said at the glob.
    """
    for at, floor in _floors(layers):
        ceiling = layers.written["max_copies"]
        if floor > ceiling.value and path in (at[:2], ceiling.path[:2]):
            yield refuse(
                at, f"a floor of {floor}", allowed=f"at most max_copies, which is {ceiling.value}",
                hint=f"for {path[-1]}, max_copies stands at {path_text(ceiling.path)}",
            )  # fmt: skip
    yield from _behind_a_router(path, layers, refuse)
    shapes = layers.written.get("shapes")
    if shapes is not None and shapes.path[:2] == path:
        yield from _accelerators(shapes.path, shapes.value, file, refuse)
        for name, shape in (shapes.value.dedicated or {}).items():
            if shape.memory_mb is not None:
                at, hint = (*shapes.path, "dedicated", name, "memory_mb"), "it has the whole instance's memory"
                yield refuse(at, shape.memory_mb, allowed="only under shapes.shared", hint=hint)


def _behind_a_router(path: Path, layers: Layers, refuse: Refuse) -> Iterator[Problem]:
    """An inference router does not stream, and whether a request would wake a model at zero there is UNKNOWN."""
    route, stream, zero = (layers.written.get(field) for field in ("route", "stream", "zero"))
    if route is None or route.value.via is not Via.ROUTER:
        return
    if stream and stream.value and path in (route.path[:2], stream.path[:2]):
        yield refuse(
            stream.path, True, allowed="no streams behind an inference router",
            hint="an inference router does not stream: use via: table or via: gateway",
        )  # fmt: skip
    if zero and zero.value != NEVER_ZERO and path in (route.path[:2], zero.path[:2]):
        yield refuse(
            zero.path, "zero", allowed="at least one copy behind an inference router",
            hint="a rejected request may not wake it there: write zero: never, or use via: table",
        )  # fmt: skip


def _floors(layers: Layers) -> Iterator[tuple[Path, int]]:
    """Every floor of a model that has a ceiling, and the path to blame for it."""
    ceiling = layers.written.get("max_copies")
    if ceiling is None:
        return
    floor, schedule = layers.written.get("min_copies"), layers.written.get("schedule")
    # A floor that the built-in class brings is blamed on the ceiling that is written beneath it.
    yield (ceiling.path, CLASSES[layers.class_name].min_copies) if floor is None else (floor.path, floor.value)
    if schedule is not None:
        yield from (((*schedule.path, i), line.min_copies or 0) for i, line in enumerate(schedule.value))


def _accelerators(path: Path, shapes: ShapesBlock, file: FleetFile, refuse: Refuse) -> Iterator[Problem]:
    for hosting, by_type in (("dedicated", shapes.dedicated), ("shared", shapes.shared)):
        for name, shape in (by_type or {}).items():
            declared = (file.instances or {}).get(name)
            most = declared.accelerators if declared is not None else None
            if shape.accelerators is not None and most is not None and shape.accelerators > most:
                at = (*path, hosting, name, "accelerators")
                yield refuse(at, shape.accelerators, allowed=f"at most {most}, which {name} has")


def _pools(file: FleetFile, names: tuple[str, ...], refuse: Refuse) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, pool in (file.pools or {}).items():
        if name in _ANYWHERE:
            yield refuse(("pools", name), name, allowed="a name that `host` does not use for itself")
        endpoint = pool.endpoint or name
        if endpoint in seen:
            yield refuse(("pools", name), endpoint, allowed="each endpoint once", hint=f"pool {seen[endpoint]} has it")
        seen.setdefault(endpoint, name)
        then = pool.reserved.then if pool.reserved is not None else None
        if then is not None and (then not in names or then == name):
            others = [other for other in names if other != name]
            yield refuse(
                ("pools", name, "reserved", "then"), then,
                allowed=f"another pool: {', '.join(others) or 'none is declared'}", hint=nearest(then, others),
            )  # fmt: skip


def _holds(file: FleetFile, timezone: str, now: int | None, refuse: Refuse) -> Iterator[Problem]:
    """A hold ends within 30 days of the moment the file is judged; with a bare date the day itself is added."""
    if now is None:
        return
    holds: list[tuple[Path, HoldBlock | None]] = [
        *((("pools", name, "hold", "until"), pool.hold) for name, pool in (file.pools or {}).items()),
        *((("models", name, "hold", "until"), model.hold) for name, model in (file.models or {}).items()),
    ]
    for path, hold in holds:
        if hold is not None and moment_s(hold.until, timezone, through_day=False) > now + MAX_HOLD_S:
            yield refuse(
                path, hold.until, allowed=f"at most {MAX_HOLD_S // DAY_S} days from now",
                hint="a hold is renewed by a commit, so that none is forgotten",
            )  # fmt: skip


def _pool_names(source: Source) -> tuple[str, ...]:
    """The pools as they stand in the file, those with problems of their own included."""
    pools = source.value.get("pools", {}) if isinstance(source.value, dict) else {}
    return tuple(pools) if isinstance(pools, dict) else ()


def _zone_exists(timezone: str) -> bool:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
