"""Reads a reference fleet (fleet-*.json): what each model is, needs and may, and what machines cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tidepool.errors import BadTrace, Problem
from tidepool_lab.inputs.regain import REGAIN_S

START_TYPE = "ml.p4d.24xlarge"
"""Every run starts on this type's pool (bench-rules.md §1.4), so every fleet has it."""

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


def _whole(value: float) -> int:
    if value != int(value):
        raise ValueError("a whole number of requests")
    return int(value)


Slots = Annotated[int | float, Field(ge=1, allow_inf_nan=False), AfterValidator(_whole)]
"""A file says whole requests; only what `overstated` declares has fractions: 1.5 × 19 = 28.5."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(_Strict):
    """One instance type. `quota` is instances for endpoint usage."""

    accelerator: str
    accelerators: Count
    usd_per_hour: Positive
    quota: Annotated[int, Field(ge=0)]


class Capacity(_Strict):
    """What one copy is on one accelerator. `service_s` is the mean time a request occupies one of its slots."""

    accelerators_per_copy: Count
    concurrency_per_copy: Slots
    service_s: Positive


class StartUp(_Strict):
    weights_s: Annotated[float, Field(ge=0)]
    engine_s: Annotated[float, Field(ge=0)]


class Objective(_Strict):
    """A request is on time when it starts within `wait_s` of its first arrival; `attainment` is the share wanted."""

    wait_s: Positive
    kind: Literal["interactive", "batch"]
    attainment: Annotated[float, Field(gt=0, le=1)]


class Times(_Strict):
    """Seconds. `regain_s` is not in the files and in no hash of them: --regain sets it (decisions/0010-regain.md)."""

    instance_launch_s: Annotated[int, Field(ge=0)]
    image_pull_s: Annotated[int, Field(ge=0)]
    idle_release_s: Annotated[int, Field(ge=0)]
    metric_delay_s: Annotated[int, Field(ge=0)]
    note: str = ""
    regain_s: Annotated[float, Field(ge=REGAIN_S, exclude=True)] = REGAIN_S


class ReferenceModel(_Strict):
    name: Annotated[str, Field(min_length=1, max_length=63)]
    size: str = ""
    weights_gib: Positive
    capacity: Mapping[str, Capacity]
    start_up: StartUp
    objective: Objective
    priority: Count
    min_copies: Annotated[int, Field(ge=0)]
    max_copies: Count
    critical: bool
    traffic_cap_copies: Count

    @property
    def floor(self) -> int:
        """Copies at every moment: 2 when critical (bench-rules.md §3.10)."""
        return max(2, self.min_copies) if self.critical else self.min_copies


class ReferenceFleet(_Strict):
    """The whole file. The order of `models` is their position, on which every random draw depends (§2.4)."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    trace: str = ""
    minutes: Count
    note: str = ""
    instance_types: Mapping[str, Machine]
    times: Times
    models: tuple[ReferenceModel, ...]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if not self.models:
            raise ValueError("models is empty")
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"models listed twice: {', '.join(twice)}")
        if START_TYPE not in self.instance_types:
            raise ValueError(f"instance_types has no {START_TYPE}, where every run starts")
        lost = [model.name for model in self.models if self.capacity(model, START_TYPE) is None]
        if lost:
            raise ValueError(f"no capacity on {START_TYPE}, where every run starts: {', '.join(lost)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(model.name for model in self.models)

    def capacity(self, model: ReferenceModel, instance_type: str) -> Capacity | None:
        """What one copy of `model` is on a type; None when it does not run or not fit there."""
        machine = self.instance_types[instance_type]
        found = model.capacity.get(machine.accelerator)
        return found if found is not None and found.accelerators_per_copy <= machine.accelerators else None

    def usd_per_request(self, model: ReferenceModel, instance_type: str) -> float | None:
        """Dollars of accelerator time one request takes on a type whose slots are all busy; None = not there."""
        capacity, machine = self.capacity(model, instance_type), self.instance_types[instance_type]
        if capacity is None:
            return None
        accelerator_s = capacity.service_s / capacity.concurrency_per_copy * capacity.accelerators_per_copy
        return accelerator_s * machine.usd_per_hour / 3600 / machine.accelerators

    def timed(self, *, regain_s: float | None = None, image_pull_s: int | None = None) -> ReferenceFleet:
        """The same fleet with these times, true and declared; None leaves the fleet's own."""
        asked = {"regain_s": regain_s, "image_pull_s": image_pull_s}
        update = {name: value for name, value in asked.items() if value is not None}
        return self.model_copy(update={"times": self.times.model_copy(update=update)})

    def overstated(self, concurrency: float) -> ReferenceFleet:
        """The same fleet as somebody would declare it who believes in `concurrency` times the slots (§6)."""
        return self.model_copy(update={"models": tuple(_overstated(model, concurrency) for model in self.models)})

    def only(self, types: Sequence[str]) -> ReferenceFleet:
        """The same fleet with no other machines than `types`. BadTrace when one of them is unknown."""
        unknown = [name for name in types if name not in self.instance_types]
        wanted = {name: machine for name, machine in self.instance_types.items() if name in types}
        problems = [Problem("--types", name, ", ".join(self.instance_types)) for name in unknown]
        if START_TYPE not in wanted:
            problems.append(Problem("--types", ",".join(types), f"a list with {START_TYPE}", "every run starts there"))
        if problems:
            raise BadTrace("--types", tuple(problems))
        return self.model_copy(update={"instance_types": wanted})


def read_reference(path: Path) -> tuple[ReferenceFleet, str]:
    """The reference fleet and the SHA-256 of its file. BadTrace with every problem at once."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = Problem(str(path), str(error), "a readable reference fleet (JSON)", "check the path given to --fleet")
        raise BadTrace(str(path), (what,)) from error
    return parse_reference(raw, str(path)), hashlib.sha256(raw).hexdigest()


def parse_reference(raw: bytes, name: str) -> ReferenceFleet:
    """The reference fleet in `raw`; BadTrace, filed under `name`, with every problem at once."""
    try:
        return ReferenceFleet.model_validate(json.loads(raw))
    except ValidationError as error:
        found = tuple(
            Problem(".".join(map(str, one["loc"])) or "fleet", *_told(one["type"], one["input"], one["msg"]))
            for one in error.errors(include_url=False)
        )
        raise BadTrace(name, found) from error
    except ValueError as error:
        raise BadTrace(name, (Problem("file", str(error), "JSON", "reference fleets are JSON files"),)) from error


def _overstated(model: ReferenceModel, factor: float) -> ReferenceModel:
    capacity = {
        accelerator: found.model_copy(update={"concurrency_per_copy": found.concurrency_per_copy * factor})
        for accelerator, found in model.capacity.items()
    }
    return model.model_copy(update={"capacity": capacity})


def _told(kind: str, value: object, said: str) -> tuple[object, str]:
    """(what stands there, what is allowed), where pydantic's own words say neither."""
    match kind:
        case "missing":
            return "(nothing)", "this key, which is required"
        case "extra_forbidden":
            return _short(value), "no such key here"
        case _:
            return _short(value), said


def _short(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else type(value).__name__
