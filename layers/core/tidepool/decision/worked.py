"""Does a full copy serve what fleet.yaml says? What full minutes finished, against what they should have.

While a queue stands in front of every slot for a whole minute, requests leave as fast as the copies serve:
finished = came - growth of what is in flight. Declared, that is slots × time ÷ time in service. Callers who gave up
count as finished, so a figure can only come out too high: it convicts a declaration, and never acquits one.

A convicted declaration is believed by the share of it that was seen (`ModelMemory.share`), on every hosting and type
of the model, because whoever wrote one wrote them all. What was declared anew is believed anew.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tidepool.decision.subjects import Home, Subject
from tidepool.memory import ModelMemory, Worked
from tidepool.units import MINUTE_S, rounded

STEADY_S = 180
"""As many copies must have served for this long: the minute looked at began more than two minutes ago."""
SURE = 3.0
"""Standard errors between what was declared and what was seen, before it counts: once in 700 minutes by chance."""
SHORT = 0.9
"""... and at least a tenth of it must be missing. Ours: times in service are declared as means, in whole seconds."""
FORGET = 0.98
"""What the newest full minute leaves of all before it: about the last fifty count. Ours."""
LEAST = 0.2
"""A declaration is believed by at least this share: beyond it, something else than capacity is wrong. Ours."""


def after_minute(subject: Subject, memory: ModelMemory, now: int) -> ModelMemory:
    """The memory with what the newest full minute of the model's one home says of its declaration."""
    if len(subject.homes) != 1:
        return replace(memory, worked=None) if memory.worked else memory
    home = subject.homes[0]
    if home.declared is None or home.size_now < 1:
        return memory
    declared = home.declared / home.share
    key = f"{home.hosting} {home.endpoint.instance_type} {declared:g} {home.shape.service_s if home.shape else ''}"
    known = memory.worked
    if known is None or known.key != key:
        # Another home of the same declaration is as doubtful as the last; a new figure is believed.
        anew = known is not None and known.key.split()[:2] == key.split()[:2]
        return replace(memory, worked=Worked(key, home.size_now, now, 0.0, 0.0), share=1.0 if anew else memory.share)
    if known.copies != home.size_now:
        return replace(memory, worked=replace(known, copies=home.size_now, since=now))
    if now - known.since < STEADY_S:
        return memory
    found = _full_minute(home, declared, max(1.0, memory.stretch))
    if found is None:
        return memory
    due, done = (rounded(FORGET * old + new) for old, new in zip((known.due, known.done), found, strict=True))
    return replace(memory, worked=replace(known, due=due, done=done), share=_share(memory.share, due, done))


def _share(before: float, due: float, done: float) -> float:
    """The share of the declaration that was seen, read generously: one standard error above."""
    if done >= SHORT * due or due - done < SURE * math.sqrt(due):
        return before
    return rounded(min(1.0, max(LEAST, (done + math.sqrt(max(done, 1.0))) / due)))


def _full_minute(home: Home, declared: float, stretch: float) -> tuple[float, float] | None:
    """(requests that should have been finished, that were) in the newest minute whose count is visible.

    None unless a queue stood in all of it: above what comes and goes within ten seconds, twice its spread.
    """
    count, gauge = home.evidence.invocations, home.evidence.concurrency
    if not len(count.values) or not count.values[-1] >= 0:
        return None
    first = (count.end_s - MINUTE_S - gauge.start_s) // gauge.step_s - 1
    last = first + MINUTE_S // gauge.step_s + 1
    if count.step_s != MINUTE_S or first < 0 or last > len(gauge.values):
        return None
    load = gauge.values[first:last] * home.size_now
    slots, service_s = declared * home.size_now, home.service_s * stretch
    full = slots + 2 * math.sqrt(2 * gauge.step_s * slots / service_s)
    if not bool((load >= full).all()):
        return None
    done = float(count.values[-1] - (load[-1] - load[0]))
    return slots * MINUTE_S / service_s, max(0.0, done)
