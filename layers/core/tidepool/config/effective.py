"""Every value in force for one model, and where it comes from: `tidepool validate --effective MODEL`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tidepool.config.checked import validated
from tidepool.config.layers import Layers, globs_of, keys_of, layers_of
from tidepool.config.notation import clock_text, days_text
from tidepool.config.schema import NEVER, FleetFile
from tidepool.config.typed import model_of
from tidepool.config.types import REGAIN_S, ModelConfig, RouteConfig, Schedule, Shape, Via
from tidepool.config.yaml_source import Path, Source, path_text
from tidepool.units import duration, percent

DEFAULT = "default"
READ = "read from SageMaker"


@dataclass(frozen=True, slots=True)
class Line:
    """One value as a person would write it. `origin` is a path in the file, DEFAULT or READ; `line` its line."""

    name: str
    value: str
    origin: str
    line: int | None = None

    @property
    def where(self) -> str:
        """'line 37, classes.interactive.min_copies', 'default' or 'read from SageMaker'."""
        return self.origin if self.line is None else f"line {self.line}, {self.origin}"

    def __str__(self) -> str:
        return f"{self.name}: {self.value}  ({self.where})"


def effective(text: str | bytes, model: str) -> tuple[Line, ...]:
    """Every value in force for `model`, each with its line, in a fixed order. Raises BadFleetFile."""
    file, source = validated(text)
    keys = keys_of(file, model, globs=globs_of(file))
    layers = layers_of(file, keys)
    return tuple(_lines(model_of(file, model, keys), file, layers, source))


def _lines(config: ModelConfig, file: FleetFile, layers: Layers, source: Source) -> Iterator[Line]:
    def line(name: str, value: str, *, field: str = "", unwritten: str = DEFAULT) -> Line:
        written = layers.written.get(field or name)
        return Line(name, value, unwritten) if written is None else _at(name, value, written.path, source)

    def file_line(name: str, value: str) -> Line:
        return _at(name, value, (name,), source) if name in file.model_fields_set else Line(name, value, DEFAULT)

    matched = ("models", layers.matched)
    yield (
        _at("matched", layers.matched, matched, source)
        if layers.matched
        else Line("matched", "nothing: it is observed and never touched", DEFAULT)
    )
    yield file_line("identity", file.identity or "name")
    yield file_line("timezone", file.timezone or "UTC")
    yield line("class", config.class_name, field="class_")
    rung = config.act.name.lower()
    yield file_line("act", rung) if config.matched and "act" not in layers.written else line("act", rung)
    yield line("hold", "none" if config.hold is None else f"until {_until(layers)}: {config.hold.why}")
    for name, text in _OBJECTIVE.items():
        unwritten = READ if name == "max_copies" else DEFAULT
        yield line(name, text(config), unwritten=unwritten)
    for name, text in _REST.items():
        yield line(name, text(config))
    yield from _schedules(config, layers, source)
    yield from _shapes(config, layers, source)
    yield from _regains(config, file, source)


_OBJECTIVE: dict[str, Callable[[ModelConfig], str]] = {
    "start_within": lambda c: duration(c.start_within_s),
    "attain": lambda c: percent(c.attain),
    "min_copies": lambda c: str(c.min_copies),
    "max_copies": lambda c: "what the pools hold" if c.max_copies is None else str(c.max_copies),
    "zones": lambda c: str(c.zones),
    "zero": lambda c: "never" if c.zero_after_s is None else f"after {duration(c.zero_after_s)}",
    "priority": lambda c: str(c.priority),
    "miss_usd": lambda c: f"{c.miss_usd:g}",
    "host": lambda c: c.host,
    "route": lambda c: _route(c.route),
}
_REST: dict[str, Callable[[ModelConfig], str]] = {
    "owner": lambda c: c.owner or "nobody named",
    "tenant": lambda c: c.tenant or "its own",
    "callers": lambda c: ", ".join(c.callers) or "nobody named",
    "sample": lambda c: c.sample or "none",
    "longest_request": lambda c: duration(c.longest_request_s),
    "stream": lambda c: str(c.stream).lower(),
    "burst_alarm": lambda c: str(c.burst_alarm).lower(),
    "retire": lambda c: "delete" if c.retire_delete else "keep",
}


def _schedules(config: ModelConfig, layers: Layers, source: Source) -> Iterator[Line]:
    if not config.schedule:
        yield Line("schedule", "none", DEFAULT)
        return
    path = layers.written["schedule"].path
    for index, one in enumerate(config.schedule):
        yield _at("schedule", _schedule(one), (*path, index), source)


def _shapes(config: ModelConfig, layers: Layers, source: Source) -> Iterator[Line]:
    if not config.shapes:
        yield Line("shapes", "what runs; nothing says what one copy serves, so sizes are held", READ)
        return
    path = layers.written["shapes"].path
    for one in config.shapes:
        yield _at("shapes", _shape(one), (*path, one.hosting.value, one.instance_type), source)


def _regains(config: ModelConfig, file: FleetFile, source: Source) -> Iterator[Line]:
    """What a machine given back costs in time, for each type that the model has a shape on."""
    for name in dict.fromkeys(shape.instance_type for shape in config.shapes):
        block = (file.instances or {}).get(name)
        if block is None or block.regain is None:
            yield Line("regain", f"{name}: {duration(REGAIN_S)}, the launch alone", DEFAULT)
        else:
            text = "never" if block.regain == NEVER else duration(block.regain)
            yield _at("regain", f"{name}: {text}", ("instances", name, "regain"), source)


def _at(name: str, value: str, path: Path, source: Source) -> Line:
    return Line(name, value, path_text(path), source.line_of(path))


def _until(layers: Layers) -> str:
    """As it is written: the file's own words say more than seconds."""
    return str(layers.value("hold").until)


def _route(route: RouteConfig) -> str:
    match route.via:
        case Via.GATEWAY:
            return f"gateway, acknowledges within {duration(route.ack_s)}"
        case Via.ROUTER:
            return f"inference router {route.router}, target {route.target}"
        case _:
            return route.via.value


def _schedule(line: Schedule) -> str:
    day = line.date or days_text(line.days)
    asks = [f"min_copies {line.min_copies}"] if line.min_copies else []
    asks += [f"expect {line.expect:g}x"] if line.expect != 1 else []
    why = f" ({line.why})" if line.why else ""
    return f"{day} {clock_text(line.from_minute)}-{clock_text(line.to_minute)}: {', '.join(asks) or 'nothing'}{why}"


def _shape(shape: Shape) -> str:
    figures = [
        f"accelerators {shape.accelerators}" if shape.accelerators is not None else "accelerators as it runs",
        f"{shape.concurrency:g} at once" if shape.concurrency is not None else "unmeasured, a lower bound",
        f"{duration(shape.service_s)} a request" if shape.service_s is not None else "",
        f"starts in {duration(shape.start_s)}" if shape.start_s is not None else "",
        f"reserves {shape.memory_mb} MB" if shape.memory_mb is not None else "",
        f"env {' '.join(sorted(shape.env))}" if shape.env else "",
    ]
    return f"{shape.hosting.value} on {shape.instance_type}: {', '.join(filter(None, figures))}"
