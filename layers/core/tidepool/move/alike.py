"""Does the target answer as the source does? Several probes of each side, compared in status, shape, time and length.

Only these four figures of an answer exist here: no content is kept, and no caller's request is ever sent twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tidepool.fleet.asked import Answer
from tidepool.move.seen import Probed, Terms

PROBES = 3
"""Of each side: a median needs three, and the first request to a new copy is often its slowest. Ours."""
SPENT_MS = 60_000
"""No more are sent to a side that took this long over those before: a function has minutes for all its moves. Ours."""
SLOWER = 3.0
"""Times the expected time that still passes. Three requests say little; each soak holds the mean of many. Ours."""
SLOWER_LEAST_MS = 500.0
"""…and beyond it always this much: short answers are mostly the network. Ours."""
LONGER = 4.0
"""Times as long, or as short, that still passes: sampled answers differ in length. Ours."""
LONGER_LEAST = 256
"""…and always this many bytes. Ours."""


def enough(answers: Sequence[Answer]) -> bool:
    """No more probes of this side are of use. One that failed is the answer: the next comes with the next run."""
    failed = bool(answers) and not answers[-1].ok
    return failed or len(answers) >= PROBES or sum(answer.latency_ms for answer in answers) >= SPENT_MS


def typical(answers: Sequence[Answer]) -> Answer:
    """The one that failed, or the answer of median time and length; of no shape where a side's own differ in shape.

    At least one answer is there.
    """
    if not answers[-1].ok:
        return answers[-1]
    middle = len(answers) // 2
    return replace(
        answers[-1],
        latency_ms=sorted(answer.latency_ms for answer in answers)[middle],
        length=sorted(answer.length for answer in answers)[middle],
        schema=answers[-1].schema if len({answer.schema for answer in answers}) == 1 else "",
    )


def different(probed: Probed) -> str:
    """Why both answer, and never will alike; '' when nothing says so. One that does not answer yet is only late."""
    here, there = probed.source, probed.target
    if here is None or not (here.ok and there.ok):
        return ""
    if here.status == there.status and (not here.schema or not there.schema or here.schema == there.schema):
        return ""
    return (
        f"the target answers in another shape than the source: {there.status} {there.schema}"
        f" instead of {here.status} {here.schema}"
    )


def unlike(probed: Probed, terms: Terms) -> str:
    """Why the target does not answer alike yet, '' when it does. Without a sample, or a source awake, it must answer.

    A new copy may be slow at first: the same is asked again with each run, until the phase's deadline.
    """
    here, there = probed.source, probed.target
    if not there.ok:
        return f"the target answers {there.status}: {there.why or 'no reason given'}"
    if here is None or not here.ok or not terms.sample:
        return ""
    slowest = here.latency_ms * terms.slower * SLOWER + SLOWER_LEAST_MS
    if there.latency_ms > slowest:
        return f"the target takes {there.latency_ms:.0f} ms for the sample; up to {slowest:.0f} ms was expected"
    short, long = sorted((here.length, there.length))
    if long > short * LONGER + LONGER_LEAST:
        return f"the target answers the sample with {there.length} bytes, the source with {here.length}"
    return ""
