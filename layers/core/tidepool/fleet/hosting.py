"""Endpoints, components and instance types, as SageMaker's Describe calls show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Statuses of endpoints and inference components, spelled as Describe spells them (botocore 1.44)."""

    IN_SERVICE = "InService"
    CREATING = "Creating"
    UPDATING = "Updating"
    SYSTEM_UPDATING = "SystemUpdating"
    ROLLING_BACK = "RollingBack"
    UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"
    OUT_OF_SERVICE = "OutOfService"
    DELETING = "Deleting"
    FAILED = "Failed"
    UNKNOWN = "Unknown"
    """A word of AWS's that this version does not know."""

    @property
    def busy(self) -> bool:
        """A write would be refused now and may be accepted later; of what is unknown nobody can tell."""
        return self in {
            Status.CREATING,
            Status.UPDATING,
            Status.SYSTEM_UPDATING,
            Status.ROLLING_BACK,
            Status.DELETING,
            Status.UNKNOWN,
        }


class EndpointKind(StrEnum):
    """How an endpoint hosts. Only the first two are ever written to."""

    POOL = "pool"
    """Its variant has no model: it hosts inference components."""
    DEDICATED = "dedicated"
    """A single-model endpoint: one production variant with a model."""
    OTHER = "other"
    """Asynchronous, serverless, multi-variant and so on; `Endpoint.unmovable` says which."""


@dataclass(frozen=True, slots=True)
class InstanceType:
    """What one instance type is and costs. `quota` is instances for endpoint usage in the account and region."""

    name: str
    accelerators: int
    usd_per_hour: float
    quota: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a capacity reservation (a training plan) is. `until` is when its machines go, seconds since 1970."""

    instances: int
    until: int


@dataclass(frozen=True, slots=True)
class Boundary:
    """What a model's container may reach and who can read its disk; '' and () = none.

    A pool has it in its endpoint config, for every component on it; a dedicated endpoint has role, network and
    isolation of its SageMaker Model and the key of its config (API). So a move can change it.
    """

    role: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    kms_key: str = ""
    isolated: bool = False

    def unlike(self, other: Boundary) -> tuple[str, ...]:
        """Each difference in words; () when there is none."""
        pairs = (
            ("execution role", self.role, other.role),
            ("subnets", ", ".join(self.subnets), ", ".join(other.subnets)),
            ("security groups", ", ".join(self.security_groups), ", ".join(other.security_groups)),
            ("KMS key", self.kms_key, other.kms_key),
            ("network isolation", "on" if self.isolated else "off", "on" if other.isolated else "off"),
        )
        return tuple(
            f"{name} {here or 'none'} here, {there or 'none'} there" for name, here, there in pairs if here != there
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint with its one production variant.

    For a POOL, `instances_wanted` is what the service wants now and cannot be set; [min, max] bound it.
    For a DEDICATED endpoint it is DesiredInstanceCount. `model` is the identity (tag or name) of a dedicated
    endpoint's model, '' for pools. `changed_at` is LastModifiedTime. `other_types` are those that its InstancePools
    list after `instance_type`, in their order. `reservation` is the capacity reservation that all its instances come
    from, '' = none; `reserved` is how many it has there or can still get, and `reserved_until` when they go: 0 = not
    known. `unmovable` is why nothing moves from or to it, '' = it may.
    `settings` are what else it is set up with, as a move takes it along (aws/settings.py).
    """

    name: str
    kind: EndpointKind
    config_name: str
    variant: str
    status: Status
    instance_type: str
    instances_now: int
    instances_wanted: int
    changed_at: int
    min_instances: int = 0
    max_instances: int = 0
    scale_in: str = ""
    model: str = ""
    sagemaker_model: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    unmovable: str = ""
    failure: str = ""
    boundary: Boundary = Boundary()
    other_types: tuple[str, ...] = ()
    reservation: str = ""
    reserved: int = 0
    reserved_until: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def grows_to(self) -> int:
        """Instances that a pool can have: its maximum, and never more than its reservation."""
        return min(self.max_instances, self.reserved) if self.reserved else self.max_instances


@dataclass(frozen=True, slots=True)
class Component:
    """One inference component.

    `model` is its identity: the tag's value, or its name. `copies_wanted` is DesiredCopyCount, `copies_now`
    CurrentCopyCount (in service). `artifact` names the SageMaker Model or image it runs: another artifact is
    another version. `strategy` is SPREAD or BINPACK. `base` is the component that an adapter belongs to, '' = it is
    none. `unmovable` is why it cannot move, '' = it can. `boundary` is its SageMaker Model's own, which is in force
    only on a dedicated endpoint. Both are known when the whole fleet is read (runtime.ports.Hosting.components).
    `settings` are an endpoint's.
    """

    name: str
    model: str
    endpoint: str
    variant: str
    status: Status
    copies_wanted: int
    copies_now: int
    accelerators_per_copy: int
    changed_at: int
    memory_mb: int = 1024
    artifact: str = ""
    strategy: str = "BINPACK"
    tags: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    base: str = ""
    unmovable: str = ""
    boundary: Boundary = Boundary()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A home that the account lists and this role may not read. endpoint: a component's, '' when it is one itself."""

    name: str
    endpoint: str
    why: str


def boundary_alone(home: Component | Endpoint) -> Boundary:
    """The boundary on a dedicated endpoint made for the home's SageMaker Model: none is made with a key."""
    return replace(home.boundary, kms_key="")
