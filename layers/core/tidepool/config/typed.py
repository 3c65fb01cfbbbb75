"""From a valid FleetFile to the Config that the rest of Tidepool reads: every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from tidepool.config import types as t
from tidepool.config.classes import (
    CLASSES,
    DEFAULT_IDENTITY,
    DEFAULT_TIMEZONE,
    LONGEST_REQUEST_S,
    LONGEST_STREAM_S,
    give_back_of,
)
from tidepool.config.globs import is_glob
from tidepool.config.layers import Layers, globs_of, keys_of, layers_of
from tidepool.config.notation import moment_s
from tidepool.config.schema import (
    NEVER,
    FleetFile,
    GiveBackBlock,
    HoldBlock,
    InstanceBlock,
    LimitsBlock,
    PoolBlock,
    ReservedBlock,
    RouteBlock,
    ScheduleBlock,
    ShapeBlock,
    ShapesBlock,
)

T = TypeVar("T")


def config_of(file: FleetFile) -> t.Config:
    """The whole file, typed and complete. The file has passed schema.py and rules.py."""
    timezone = file.timezone or DEFAULT_TIMEZONE
    keys = tuple(file.models or {})
    globs = globs_of(file)
    return t.Config(
        schema=file.schema_,
        region=file.region or "",
        timezone=timezone,
        identity=file.identity or DEFAULT_IDENTITY,
        act=_or(file.act, t.Rung.WATCH),
        money=t.Money(**_written(file.money)),
        safety=_safety(file),
        writers=_writers(file),
        pools={name: _pool(name, block, timezone) for name, block in (file.pools or {}).items()},
        instances={name: _instance(name, block) for name, block in (file.instances or {}).items()},
        names={key: model_of(file, key, keys_of(file, key, globs=globs)) for key in keys if not is_glob(key)},
        globs=tuple((glob, model_of(file, glob, (glob,))) for glob in globs),
        unmatched=model_of(file, "", ()),
    )


def model_of(file: FleetFile, name: str, keys: tuple[str, ...]) -> t.ModelConfig:
    """One model's values; a model that no key names is only watched."""
    layers = layers_of(file, keys)
    timezone = file.timezone or DEFAULT_TIMEZONE
    stream = _or(layers.value("stream"), False)
    objective = _objective(layers)
    act = _or(layers.value("act"), _or(file.act, t.Rung.WATCH)) if keys else t.Rung.WATCH
    return t.ModelConfig(
        name=name,
        class_name=layers.class_name,
        **objective,
        act=act,
        hold=_hold(layers.value("hold"), timezone),
        tenant=layers.value("tenant") or "",
        callers=tuple(layers.value("callers") or ()),
        owner=layers.value("owner") or "",
        sample=layers.value("sample") or "",
        longest_request_s=_or(layers.value("longest_request"), LONGEST_STREAM_S if stream else LONGEST_REQUEST_S),
        longest_request_written=layers.value("longest_request") is not None,
        stream=stream,
        burst_alarm=_or(layers.value("burst_alarm"), False),
        retire_delete=layers.value("retire") == "delete",
        schedule=tuple(_schedule(line) for line in layers.value("schedule") or ()),
        shapes=_shapes(layers.value("shapes")),
        matched=layers.matched,
    )


def _objective(layers: Layers) -> dict[str, Any]:
    """The fields of a class, each as written or as the built-in class has it."""
    built_in = CLASSES[layers.class_name]
    zero, route = layers.value("zero"), layers.value("route")
    # Whether a rejected request is seen behind an inference router is UNKNOWN: nothing there sleeps (config/rules).
    routed = route is not None and route.via is t.Via.ROUTER
    zero_after_s = built_in.zero_after_s if zero is None else _unless_never(zero.after)
    return {
        "start_within_s": _or(layers.value("start_within"), built_in.start_within_s),
        "attain": _or(layers.value("attain"), built_in.attain),
        "min_copies": max(int(routed), _or(layers.value("min_copies"), built_in.min_copies)),
        "max_copies": _or(layers.value("max_copies"), built_in.max_copies),
        "zones": _or(layers.value("zones"), built_in.zones),
        "zero_after_s": None if routed else zero_after_s,
        "priority": _or(layers.value("priority"), built_in.priority),
        "miss_usd": _or(layers.value("miss_usd"), built_in.miss_usd),
        "host": _or(layers.value("host"), built_in.host),
        "route": t.RouteConfig() if route is None else _route(route),
    }


def _route(block: RouteBlock) -> t.RouteConfig:
    default = t.RouteConfig()
    return t.RouteConfig(block.via, _or(block.ack, default.ack_s), block.router or "", block.target or "")


def _hold(block: HoldBlock | None, timezone: str) -> t.Hold | None:
    return None if block is None else t.Hold(moment_s(block.until, timezone, through_day=True), block.why)


def _schedule(line: ScheduleBlock) -> t.Schedule:
    return t.Schedule(
        days=line.days or (),
        date=line.date or "",
        from_minute=line.from_,
        to_minute=line.to,
        min_copies=line.min_copies or 0,
        expect=line.expect or 1.0,
        why=line.why or "",
    )


def _shapes(block: ShapesBlock | None) -> tuple[t.Shape, ...]:
    if block is None:
        return ()
    by_hosting: tuple[tuple[t.Hosting, Mapping[str, ShapeBlock] | None], ...] = (
        (t.Hosting.DEDICATED, block.dedicated),
        (t.Hosting.SHARED, block.shared),
    )
    return tuple(
        t.Shape(
            hosting=hosting,
            instance_type=name,
            accelerators=shape.accelerators,
            concurrency=shape.concurrency,
            service_s=shape.service,
            start_s=shape.start,
            env=shape.env or {},
            memory_mb=shape.memory_mb,
        )
        for hosting, shapes in by_hosting
        for name, shape in (shapes or {}).items()
    )


def _pool(name: str, block: PoolBlock, timezone: str) -> t.PoolConfig:
    types = tuple(block.types or ())
    return t.PoolConfig(
        name=name,
        endpoint=block.endpoint or name,
        types=types,
        bounds=t.Bounds(block.bounds or "recommend"),
        zones=block.zones or 1,
        act=_or(block.act, t.Rung.RUN),
        hold=_hold(block.hold, timezone),
        give_back=give_back_of(types) if block.give_back is None else _give_back(block.give_back),
        give_back_written=block.give_back is not None,
        reserved=_reserved(block.reserved, timezone),
        tenants=tuple(block.tenants or ()),
    )


def _give_back(block: GiveBackBlock) -> t.GiveBack:
    return t.GiveBack(_unless_never(block.after), block.keep_spare)


def _reserved(block: ReservedBlock | None, timezone: str) -> t.Reserved | None:
    if block is None:
        return None
    return t.Reserved(block.instances, moment_s(block.until, timezone, through_day=False), block.then or "")


def _instance(name: str, block: InstanceBlock) -> t.InstanceConfig:
    regain_s = t.REGAIN_S if block.regain is None else _unless_never(block.regain)
    return t.InstanceConfig(name, block.accelerators, block.usd_per_hour, block.quota, block.launch, regain_s)


def _safety(file: FleetFile) -> t.Safety:
    if file.safety is None:
        return t.Safety()
    freeze = file.safety.freeze
    return t.Safety(
        freeze_calendars=tuple((freeze and freeze.calendars) or ()),
        freeze_alarms=tuple((freeze and freeze.alarms) or ()),
        move_hours=file.safety.move_hours or (),
        limits=t.Limits(**_written(file.safety.limits)),
    )


def _writers(file: FleetFile) -> t.Writers:
    default = t.Writers()
    if file.writers is None:
        return default
    deploys, people = file.writers.deploys, file.writers.people
    return t.Writers(
        autoscaling=file.writers.autoscaling or default.autoscaling,
        deploy_principals=tuple((deploys and deploys.principals) or ()),
        deploy_lowered=(deploys and deploys.lowered) or default.deploy_lowered,
        deploy_raised=(deploys and deploys.raised) or default.deploy_raised,
        deploy_quiet_s=_or(deploys and deploys.quiet, default.deploy_quiet_s),
        people_hold_s=_or(people and people.hold, default.people_hold_s),
    )


def _written(block: LimitsBlock | Any | None) -> dict[str, Any]:
    return {} if block is None else block.written()


def _unless_never(after_s: T) -> T | None:
    return None if after_s == NEVER else after_s


def _or(value: T | None, default: T) -> T:
    """The value, 0 and False included, or the default where nothing is written."""
    return default if value is None else value
