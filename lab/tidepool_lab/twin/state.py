"""What exists in the simulated account: endpoints, components, copies, instances. Mutable; only lifecycle writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from tidepool.fleet import EndpointKind, Status
from tidepool_lab.twin.spec import ModelSpec, TypeSpec


class CopyState(Enum):
    STARTING = auto()
    READY = auto()
    LEAVING = auto()


@dataclass(slots=True, eq=False)
class Instance:
    """One machine. `number` grows with age, the oldest first. Billed from `ready_s` until it is released.

    room: accelerators not reserved. empty_since: when its last copy left; None while it has one.
    """

    number: int
    endpoint: EndpointState
    type: TypeSpec
    ready_s: float
    room: int
    copies: list[Copy] = field(default_factory=list)
    empty_since: float | None = None
    given_up: bool = False
    """A dedicated endpoint does not want it any more; nothing is placed on it."""

    @property
    def used(self) -> int:
        return self.type.accelerators - self.room


@dataclass(slots=True, eq=False)
class Copy:
    """One copy. It holds its accelerators from placement until it is gone."""

    component: ComponentState
    instance: Instance
    ready_s: float
    state: CopyState = CopyState.STARTING
    replaces: Copy | None = None
    """While a replacement (consolidation, a new version) starts, the copy that leaves when it serves."""
    busy: int = 0
    """Requests it still finishes while LEAVING."""


@dataclass(slots=True, eq=False)
class ComponentState:
    """One inference component, or the one container of a dedicated endpoint (`hidden`: Describe never shows it).

    slots: requests one copy serves at once. start_s: image + weights + engine. waiting: copies that found no room.
    progress_s: when it last came nearer to what is wanted. target: its row in the request plane.
    """

    name: str
    endpoint: EndpointState
    model: ModelSpec
    artifact: str
    accelerators: int
    slots: int
    start_s: float
    target: int
    desired: int = 0
    copies: list[Copy] = field(default_factory=list)
    waiting: int = 0
    status: Status = Status.IN_SERVICE
    changed_at: int = 0
    progress_s: float = 0.0
    strategy: str = "BINPACK"
    memory_mb: int = 1024
    tags: dict[str, str] = field(default_factory=dict)
    hidden: bool = False
    failure: str = ""
    replacing: bool = False
    """A new version is on its way to every copy."""

    def count(self, state: CopyState) -> int:
        return sum(1 for copy in self.copies if copy.state is state)

    @property
    def ready(self) -> int:
        return self.count(CopyState.READY)

    @property
    def current(self) -> int:
        """CurrentCopyCount: deployed copies, those that finish their last requests included."""
        return sum(1 for copy in self.copies if copy.state is not CopyState.STARTING)


@dataclass(slots=True, eq=False)
class EndpointState:
    """One endpoint. For a dedicated one `container` is its hidden component, and its copies are its instances."""

    name: str
    kind: EndpointKind
    type: TypeSpec
    config_name: str
    status: Status
    changed_at: int
    minimum: int = 0
    maximum: int = 0
    scale_in: str = "IDLE_RELEASE"
    tags: dict[str, str] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    components: dict[str, ComponentState] = field(default_factory=dict)
    container: ComponentState | None = None
    touched_s: float = 0.0
    """The last placement, removal, launch or release: CONSOLIDATION's cooldown counts from here."""
    consolidation_due: bool = False
    failure: str = ""
    reservation: str = ""
    """The ARN of the training plan that its machines come from, '' = none."""
    update_blocks: bool = False
    """The update under way rebuilds the fleet: no copy changes meanwhile."""

    @property
    def wanted_instances(self) -> int:
        """Machines that it holds or that are on their way."""
        return sum(1 for instance in self.instances if not instance.given_up)
