"""Spokes read from their buckets, each by its own role: the newest decision record, and one an hour before it.

Nothing else of the accounts is asked, and nothing could be written: the roles allow only that (hub/spoke.yaml).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.aws.objects import Bucket
from tidepool.decision.hands_off import HOLD, MOVE
from tidepool.decision.stored import Record, read_record
from tidepool.errors import TidepoolError
from tidepool.fleet import STANDS_STILL, UNREAD
from tidepool.units import DAY_S, HOUR_S, duration
from tidepool_cli.spokes import Spoke
from tidepool_cli.stack_status import SILENT_S

SESSION_S = 900
"""How long the role's credentials last: the shortest that STS gives (AssumeRole API). One spoke takes seconds."""
AT_ONCE = 8
"""Spokes read at once: each is some 30 calls, one after the other. Ours."""

_MAKING = Lock()
"""boto3 makes clients for one thread at a time; once made, they may be used by all."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One stack over [now - last_s, now), its decisions once an hour. Dollars are of the managed fleet.

    usd, alone_usd: what it cost, and what each model alone would have; hours before the first record cost nothing, so
    that `hours` says how many are counted. held: changes held back now, by the guard's reason, the most first.
    """

    spoke: Spoke
    decided_at: int
    hours: float
    usd: float
    alone_usd: float
    usd_per_hour: float
    alone_usd_per_hour: float
    models: int
    moving: tuple[str, ...]
    holds: tuple[str, ...]
    held: tuple[tuple[str, int], ...]
    unwell: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """One stack that could not be read, and why."""

    spoke: Spoke
    why: str


def read_all(spokes: Sequence[Spoke], now: int, last_s: int) -> list[Seen | Unread]:
    """Every spoke, in order; one that cannot be read keeps none of the others back."""

    def one(spoke: Spoke) -> Seen | Unread:
        try:
            return read(spoke, now, last_s)
        except TidepoolError as error:
            return Unread(spoke, str(error))

    with ThreadPoolExecutor(AT_ONCE) as readers:
        return list(readers.map(one, spokes))


def read(spoke: Spoke, now: int, last_s: int) -> Seen | Unread:
    """What the spoke's own stack recorded. Denied, NotFound or Unreachable when its role or bucket cannot be used."""
    clients = assumed(spoke)
    records = [read_record(Bucket(clients, spoke.bucket).get_json(key)) for key in _hourly(clients, spoke, now, last_s)]
    if not records:
        return Unread(spoke, "no decision is recorded in that time; ask for a longer --last, or see its decide's log")
    newest = records[-1]
    ends = [*(after.now for after in records[1:]), now]
    spans = [(end - record.now) / HOUR_S for record, end in zip(records, ends, strict=True)]
    return Seen(
        spoke=spoke,
        decided_at=newest.now,
        hours=sum(spans),
        usd=sum(span * record.spend.now_usd_per_hour for span, record in zip(spans, records, strict=True)),
        alone_usd=sum(span * record.spend.dedicated_usd_per_hour for span, record in zip(spans, records, strict=True)),
        usd_per_hour=newest.spend.now_usd_per_hour,
        alone_usd_per_hour=newest.spend.dedicated_usd_per_hour,
        models=len(newest.homes),
        moving=_subjects(newest, MOVE),
        holds=_subjects(newest, HOLD),
        held=tuple(Counter(one.reason for one in newest.held).most_common()),
        unwell=tuple(_unwell(newest, now)),
    )


def assumed(spoke: Spoke) -> Clients:
    """Clients with the role's credentials, in the spoke's region; its S3 client is made."""
    with _MAKING:
        sts = Clients(spoke.region).get("sts")
        with calling("AssumeRole", spoke.role):
            given = sts.assume_role(
                RoleArn=spoke.role,
                RoleSessionName="tidepool-hub",
                ExternalId=spoke.external_id,
                DurationSeconds=SESSION_S,
            )["Credentials"]
        credentials = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
        clients = Clients(spoke.region, credentials=credentials)
        clients.get("s3")
    return clients


def newest_reports(spokes: Sequence[Spoke]) -> Iterator[tuple[Spoke, str, bytes]]:
    """(spoke, file name, page) of each stack's last daily report; none where none is written yet. Errors as `read`."""
    for spoke in spokes:
        clients = assumed(spoke)
        for key in _keys(clients, spoke, "reports/")[-1:]:
            yield spoke, key.rpartition("/")[2], Bucket(clients, spoke.bucket).get(key).data


def _hourly(clients: Clients, spoke: Spoke, now: int, last_s: int) -> list[str]:
    """Keys of the first record of each hour of [now - last_s, now], and of the newest, in order of time."""
    since, found = now - last_s, dict[int, str]()
    newest: tuple[int, str] | None = None
    for day in range(since // DAY_S, now // DAY_S + 1):
        for key in _keys(clients, spoke, f"decisions/{datetime.fromtimestamp(day * DAY_S, UTC):%Y/%m/%d}/"):
            at = _time_of(key)
            if since <= at <= now:
                found.setdefault(at // HOUR_S, key)
                newest = (at, key)
    if newest and newest[1] not in found.values():
        return [*found.values(), newest[1]]
    return list(found.values())


def _keys(clients: Clients, spoke: Spoke, prefix: str) -> list[str]:
    """Sorted by name, as S3 lists them: a day of records is two pages."""
    with calling("ListObjectsV2", f"{spoke.bucket}/{prefix}"):
        pages = clients.get("s3").get_paginator("list_objects_v2").paginate(Bucket=spoke.bucket, Prefix=prefix)
        return [str(one["Key"]) for page in pages for one in page.get("Contents", ())]


def _time_of(key: str) -> int:
    """When the record of that key was decided, as aws/ledger.py names it: decisions/2026/11/26/101500-7.json.gz."""
    return int(datetime.strptime(f"{key[:27]}+0000", "decisions/%Y/%m/%d/%H%M%S%z").timestamp())


def _subjects(record: Record, stage: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step.subject for step in record.steps if step.stage == stage))


def _unwell(record: Record, now: int) -> Iterator[str]:
    if now - record.now > SILENT_S:
        yield f"decide is silent for {duration(now - record.now)}; nothing scales there"
    # Both stand in every record while they last (decision/standing.py).
    yield from (f"{step.subject}: {step.because}" for step in record.steps if step.limit in (UNREAD, STANDS_STILL))
