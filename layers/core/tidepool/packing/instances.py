"""Copies on instances: how many machines a set of copies needs."""

from __future__ import annotations

from collections.abc import Iterable


def instances_for(copies: Iterable[tuple[int, int]], accelerators: int) -> int:
    """Machines of `accelerators` that hold (copies, accelerators per copy), packed by first fit decreasing.

    A machine is never given more than it has. First fit decreasing needs at most 11/9 of the optimum + 6/9 machine
    (Dósa 2007); with copies of 1, 2, 4 and 8 accelerators on machines of 8, sizes that divide each other, it is
    optimal. Copies larger than a machine raise ValueError.
    """
    free: list[int] = []
    for count, size in sorted(copies, key=lambda item: -item[1]):
        if size > accelerators:
            raise ValueError(f"a copy of {size} accelerators does not fit a machine of {accelerators}")
        _place(free, count, size, accelerators)
    return len(free)


def _place(free: list[int], count: int, size: int, accelerators: int) -> None:
    """`count` copies of `size` are placed: into the room there is, then on new machines."""
    for i, room in enumerate(free):
        fits = min(count, room // size)
        free[i] -= fits * size
        count -= fits
        if not count:
            return
    per_machine = accelerators // size
    while count > 0:
        placed = min(count, per_machine)
        free.append(accelerators - placed * size)
        count -= placed
