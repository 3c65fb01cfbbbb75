"""Runs policies side by side in a few processes, and hears from them how far simulated time has come."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.queues import Queue
from threading import Thread
from typing import Protocol

from tidepool_lab.bench.case import Case
from tidepool_lab.bench.result import PolicyResult
from tidepool_lab.bench.run import Progress

Told = tuple[str, int, int]
Work = Callable[..., PolicyResult]
"""A function of the module level: (case, *arguments, progress) → row."""


class Workers(Protocol):
    """Where work goes."""

    def submit(self, work: Work, *arguments: object) -> Future[PolicyResult]:
        """The row of work(case, *arguments, progress=…), as soon as it is there."""
        ...


@contextmanager
def workers(case: Case, *, jobs: int, progress: Progress) -> Iterator[Workers]:
    """Workers on that case: `jobs` processes, or this one when `jobs` is 1. Progress is told in this process."""
    if jobs <= 1:
        yield _Here(case, progress)
        return
    context = multiprocessing.get_context("spawn")
    told: Queue[Told | None] = context.Queue()
    listener = Thread(target=_listen, args=(told, progress), daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(case, told))
    try:
        yield _There(pool)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        told.put(None)
        listener.join()


class _Here:
    def __init__(self, case: Case, progress: Progress) -> None:
        self._case, self._progress = case, progress

    def submit(self, work: Work, *arguments: object) -> Future[PolicyResult]:
        done: Future[PolicyResult] = Future()
        done.set_result(work(self._case, *arguments, progress=self._progress))
        return done


class _There:
    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def submit(self, work: Work, *arguments: object) -> Future[PolicyResult]:
        return self._pool.submit(_work, work, arguments)


_mine: dict[str, object] = {}
"""In a worker process: the case, and the queue that progress is told through."""


def _begin(case: Case, told: Queue[Told | None]) -> None:
    _mine.update(case=case, told=told)


def _work(work: Work, arguments: tuple[object, ...]) -> PolicyResult:
    told = _mine["told"]
    assert isinstance(told, Queue)

    def tell(policy: str, done_s: int, of_s: int) -> None:
        told.put((policy, done_s, of_s))

    return work(_mine["case"], *arguments, progress=tell)


def _listen(told: Queue[Told | None], progress: Progress) -> None:
    while (one := told.get()) is not None:
        progress(*one)
