"""The last hours of one model in blocks of ten minutes, and the features of this moment made from them."""

from __future__ import annotations

import numpy as np

from tidepool.forecast.features import TOPS, Features, Seasons, of_moment
from tidepool.forecast.profile import BUCKET_S
from tidepool.forecast.recent import KEEP_S
from tidepool.memory import Block, Minute, ModelMemory
from tidepool.units import MINUTE_S, rounded

KEEP_BLOCKS = max(TOPS) * MINUTE_S // BUCKET_S + 1
"""The longest span, and the block that is being filled."""
HOUR_BLOCKS = 6
"""Blocks of ten minutes in an hour."""


def fill(blocks: tuple[Block, ...], rate: float, now: int) -> tuple[Block, ...]:
    """The blocks with the newest minute's offered rate (requests per second) in them."""
    at = now - now % BUCKET_S
    if blocks and blocks[-1].at == at:
        newest = blocks[-1]
        grown = Block(at, rounded(max(newest.top, rate)), rounded(newest.total + rate), newest.minutes + 1)
        return (*blocks[:-1], grown)
    return (*blocks, Block(at, rounded(rate), rounded(rate), 1))[-KEEP_BLOCKS:]


def moment(memory: ModelMemory, now: int, service_s: float, seasons: Seasons, horizon_s: int) -> Features:
    """The features at `now`. Spans of up to 30 minutes are read minute by minute, longer ones block by block."""
    recent = [minute_rate(minute, service_s) for minute in memory.recent]
    tops = [highest_rate(memory, now, span, service_s) for span in TOPS]
    hour = memory.blocks[-HOUR_BLOCKS:]
    counted = sum(block.minutes for block in hour)
    mean = sum(block.total for block in hour) / counted if counted else 0.0
    return of_moment(np.array(recent), np.array(tops), mean, now, seasons, horizon_s)


def minute_rate(minute: Minute, service_s: float) -> float:
    """Requests per second of that minute: as counted, else as the requests in flight say."""
    return minute.rate if minute.rate > 0 else minute.in_flight / service_s


def highest_rate(memory: ModelMemory, now: int, span: int, service_s: float) -> float:
    """The highest minute of the last `span`, requests per second."""
    since = now - span * MINUTE_S
    top = max((minute_rate(minute, service_s) for minute in memory.recent if minute.at > since), default=0.0)
    if span * MINUTE_S > KEEP_S:
        top = max([top, *(block.top for block in memory.blocks if block.at + BUCKET_S > since)])
    return top
