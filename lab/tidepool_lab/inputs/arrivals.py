"""Spreads each minute's requests over its 30 steps of 2 s, the same for every policy (bench-rules.md §2.4).

Each request falls on one step uniformly, so a minute is a multinomial draw. The draw depends on nothing but
(seed, position of the model in the fleet file, minute): request j's step is read off a counter-based hash, not
off a generator that remembers what it drew before. That also makes it fast: 100 million requests take seconds.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tidepool_lab.inputs.clock import DAY_MINUTES, STEPS
from tidepool_lab.inputs.trace import Counts

Words = npt.NDArray[np.uint64]

CACHE = Path(".cache") / "arrivals"
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""splitmix64's increment (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014)."""
AT_ONCE = 1 << 20
"""Requests hashed at once: a few arrays of 8 MB."""


class TraceArrivals:
    """The arrivals of one prepared trace and seed, in blocks of a day, each kept on disk once drawn.

    Minutes beyond the trace are silent (bench-rules.md §1.3).
    """

    def __init__(self, models: tuple[str, ...], counts: Counts, *, seed: int, cache: Path | None = CACHE) -> None:
        self._models = models
        self._per_minute = counts
        self._seed = seed
        self._cache = cache
        self._blocks: dict[int, npt.NDArray[np.unsignedinteger]] = {}

    @property
    def models(self) -> tuple[str, ...]:
        return self._models

    def counts(self, minute: int) -> npt.NDArray[np.int64]:
        """Requests of each model in each step of `minute`; shape [models, 30]."""
        if not 0 <= minute < len(self._per_minute):
            return np.zeros((len(self._models), STEPS), dtype=np.int64)
        day = minute // DAY_MINUTES
        if day not in self._blocks:
            self._blocks = {day: self._block(day)}
        block = self._blocks[day]
        return np.asarray(block[minute - day * DAY_MINUTES], dtype=np.int64)

    def per_minute(self, first: int, until: int) -> Counts:
        """Requests of each model in the minutes [first, until); shape [minutes, models]."""
        rows = np.zeros((max(0, until - first), len(self._models)), dtype=np.int64)
        low, high = max(first, 0), min(until, len(self._per_minute))
        if high > low:
            rows[low - first : high - first] = self._per_minute[low:high]
        return rows

    def _block(self, day: int) -> npt.NDArray[np.unsignedinteger]:
        first = day * DAY_MINUTES
        counts = np.ascontiguousarray(self._per_minute[first : first + DAY_MINUTES])
        if self._cache is None:
            return spread(counts, seed=self._seed, first_minute=first)
        content = hashlib.sha256(f"{self._seed},{first},{counts.shape},{counts.dtype}".encode() + counts.tobytes())
        path = self._cache / f"{content.hexdigest()[:32]}.npy"
        if not path.exists():
            _write(path, spread(counts, seed=self._seed, first_minute=first))
        found: npt.NDArray[np.unsignedinteger] = np.load(path)
        return found


def spread(counts: Counts, *, seed: int, first_minute: int) -> npt.NDArray[np.unsignedinteger]:
    """The requests in each step; shape [minutes, models, 30] from [minutes, models]. Sums over steps are `counts`."""
    minutes, models = counts.shape
    keys = _keys(seed, first_minute=first_minute, minutes=minutes, models=models)
    wanted = counts.ravel()
    out = np.zeros(minutes * models * STEPS, dtype=np.int64)
    ends = np.cumsum(wanted)
    cell = 0
    while cell < wanted.size:
        before = int(ends[cell - 1]) if cell else 0
        upto = max(cell + 1, int(np.searchsorted(ends, before + AT_ONCE, side="right")))
        out[cell * STEPS : upto * STEPS] = _steps(wanted[cell:upto], keys[cell:upto])
        cell = upto
    return out.reshape(minutes, models, STEPS).astype(np.min_scalar_type(int(out.max(initial=0))))


def _keys(seed: int, *, first_minute: int, minutes: int, models: int) -> Words:
    """One 64-bit key for each (minute, position), in the order of a raveled [minutes, models] array."""
    positions: Words = np.arange(models, dtype=np.uint64)
    at: Words = np.arange(first_minute, first_minute + minutes, dtype=np.uint64)
    position = _mix(_mix(np.array([seed], dtype=np.uint64) + GOLDEN) + positions)
    minute = _mix(at * GOLDEN + np.uint64(1))
    return _mix(position[None, :] + minute[:, None]).ravel()


def _steps(wanted: Counts, keys: Words) -> npt.NDArray[np.int64]:
    """How many of each cell's requests fall on each step. One hash word places two requests, 32 bits each."""
    pairs = (wanted + 1) // 2
    cell = np.repeat(np.arange(wanted.size), pairs)
    number = np.arange(cell.size) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    word = _mix(keys[cell] + GOLDEN * (number + 1).astype(np.uint64))
    first = (word & np.uint64(0xFFFFFFFF)) * np.uint64(STEPS) >> np.uint64(32)
    second = (word >> np.uint64(32)) * np.uint64(STEPS) >> np.uint64(32)
    placed = np.bincount(cell * STEPS + first.astype(np.int64), minlength=wanted.size * STEPS)
    there = 2 * number + 1 < wanted[cell]
    placed += np.bincount((cell * STEPS + second.astype(np.int64))[there], minlength=wanted.size * STEPS)
    return placed


def _mix(word: Words) -> Words:
    """splitmix64's finaliser: every output bit depends on every input bit."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def _write(path: Path, block: npt.NDArray[np.unsignedinteger]) -> None:
    """The block is on disk, whole or not at all: two processes may draw the same one at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npy", delete=False) as file:
        np.save(file, block)
    Path(file.name).replace(path)
