"""What a move asks to be done, one thing at a time. Each may be asked for twice: done already is success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from tidepool.fleet import Route
from tidepool.fleet.asked import NewComponent, NewEndpoint


@dataclass(frozen=True, slots=True)
class CreateTarget:
    """The new home. A dedicated one comes with a config of its own."""

    new: NewComponent | NewEndpoint


@dataclass(frozen=True, slots=True)
class Probe:
    """The same question to the target and to the source, a few times."""

    sample: str


@dataclass(frozen=True, slots=True)
class WriteRoute:
    """The route's next version; refused when somebody wrote another since `route.version - 1`."""

    route: Route


@dataclass(frozen=True, slots=True)
class Delete:
    """One home, by name."""

    name: str
    dedicated: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is left of a dedicated home that is gone: the config it was made with."""

    name: str


@dataclass(frozen=True, slots=True)
class Shrink:
    """A home that is not ours to delete, at its minimum: no copies, or one instance."""

    name: str
    dedicated: bool
    variant: str


@dataclass(frozen=True, slots=True)
class Resize:
    """The target, larger: its callers have become more since it was asked for. Never smaller."""

    name: str
    dedicated: bool
    variant: str
    size: int


Command = CreateTarget | Probe | WriteRoute | Resize | Delete | Sweep | Shrink


CREATES = "create "
"""How the intent of a CreateTarget begins."""


def intent(command: Command) -> str:
    """The command in a few words, as the ledger and `tidepool moves` show it."""
    match command:
        case CreateTarget():
            return f"{CREATES}{command.new.name}"
        case Probe():
            return "probe the target"
        case WriteRoute():
            weights = ", ".join(f"{target.weight} % to {target.name}" for target in command.route.targets)
            return f"route {weights}"
        case Resize():
            return f"give {command.name} {command.size} {'instances' if command.dedicated else 'copies'}"
        case Delete():
            return f"delete {command.name}"
        case Sweep():
            return f"remove what is left of {command.name}"
        case Shrink():
            return f"leave {command.name} at its minimum"
        case _:
            assert_never(command)
