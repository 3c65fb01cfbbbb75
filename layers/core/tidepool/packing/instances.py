"""Copies on instances: how many machines a set of copies needs."""

from __future__ import annotations

from collections.abc import Iterable


def instances_for(copies: Iterable[tuple[int, int]], accelerators: int) -> int:
    """Machines of `accelerators` that hold (copies, accelerators per copy), packed by first fit decreasing."""
    return len(packed(copies, accelerators))


def packed(copies: Iterable[tuple[int, int]], accelerators: int) -> list[int]:
    """The accelerators left free on each machine that (copies, accelerators per copy) are packed on.

    First fit decreasing: at most 11/9 of the optimum + 6/9 machine (Dósa 2007), and the optimum itself where sizes
    divide each other, as 1, 2, 4 and 8 do. No machine is given more than it has: none is below zero. A copy larger
    than a machine raises ValueError.
    """
    free: list[int] = []
    for count, size in sorted(copies, key=lambda item: -item[1]):
        if size > accelerators:
            raise ValueError(f"a copy of {size} accelerators does not fit a machine of {accelerators}")
        _place(free, count, size, accelerators)
    return free


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
