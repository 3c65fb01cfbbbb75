"""fleet.yaml in the bucket: the newest upload is judged once, and the last good one stays in force.

config/accepted.json is the pointer: which version of config/fleet.yaml is in force, and which was judged last. The
upload event is only a hint. Every wake of decide compares the newest version with the pointer, so a lost event costs
a minute.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, ValidationError

from tidepool.aws.objects import Bucket
from tidepool.config.capped import capped
from tidepool.config.differences import Difference, differences
from tidepool.config.load import load
from tidepool.config.types import Config, Rung
from tidepool.errors import BadFleetFile, NotFound, Problem, UnknownSchema
from tidepool.memory_codec import canonical
from tidepool.runtime.ports import Bus

FLEET_KEY = "config/fleet.yaml"
ACCEPTED_KEY = "config/accepted.json"
SCHEMA = 1
SHOWN_PROBLEMS = 50
"""An event holds 256 KB: more problems than these are counted, not listed."""


class Pointer(BaseModel):
    """config/accepted.json. `version` '' = there has never been a good file. A later version's fields are left out, so
    that one can go back to this one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_: int = SCHEMA
    version: str = ""
    judged: str = ""
    commit: str = ""
    at: int = 0


class FleetFile:
    """runtime.ports.ConfigStore over the bucket. Only decide judges uploads; the others read what is in force."""

    def __init__(
        self,
        bucket: Bucket,
        bus: Bus,
        *,
        clock: Callable[[], int],
        judges: bool = False,
        most: Rung = Rung.RUN,
        refused: Callable[[BadFleetFile], None] | None = None,
    ) -> None:
        """`most` is the highest rung that the stack's hands allow, whatever the file says.

        `refused` is told of every file that is refused, once: the function's log and its alarm's metric.
        """
        self._bucket, self._bus, self._clock, self._judges, self._most = bucket, bus, clock, judges, most
        self._refused = refused
        self._pointer, self._etag = Pointer(), ""
        self._known: tuple[str, Config] | None = None

    def current(self) -> tuple[Config, str]:
        """The last good fleet.yaml and its commit. BadFleetFile when there has never been a good one."""
        newest = self._bucket.version(FLEET_KEY) if self._judges else ""
        # Versions are never used again: while the newest is the one judged last, the pointer has not moved either.
        pointer = self._pointer if newest and newest == self._pointer.judged else self._read_pointer()
        if self._judges and newest and newest != pointer.judged:
            try:
                return self.consider(newest, self._clock())
            except BadFleetFile:
                pointer = self._pointer
        if pointer.version:
            return self._config(pointer.version), pointer.commit
        if pointer.judged:
            raise BadFleetFile("fleet.yaml", (self._missing(),))
        return self._not_yet_judged()

    def _not_yet_judged(self) -> tuple[Config, str]:
        """The very first file, before decide has seen it, if it is good: learn may run before the first tick."""
        newest = self._bucket.version(FLEET_KEY)
        if not newest:
            raise BadFleetFile("fleet.yaml", (self._missing(),))
        self._known = (newest, self._config(newest))
        return self._known[1], self._bucket.get(FLEET_KEY, version=newest).commit

    @property
    def known(self) -> Config | None:
        """The file that was read last; None before the first."""
        return self._known[1] if self._known else None

    def known_identity(self) -> str:
        """How models are told apart, by the file that was read last: reads it only the first time."""
        return self._known[1].identity if self._known else self.current()[0].identity

    def consider(self, version_id: str | None, now: int) -> tuple[Config, str]:
        """The uploaded file is in force, or BadFleetFile and the last good one stays; either is announced once.

        Whatever version the event names, the newest is judged: events may be late and out of order.
        """
        pointer = self._read_pointer()
        newest = self._bucket.version(FLEET_KEY)
        if not newest:
            raise BadFleetFile("fleet.yaml", (self._missing(),))
        stored = self._bucket.get(FLEET_KEY, version=newest)
        seen = pointer.judged == newest
        try:
            config = capped(load(stored.data, now=now, region=self._bucket.region), self._most)
        except BadFleetFile as error:
            if not seen:
                self._write_pointer(pointer.model_copy(update={"judged": newest, "at": now}))
                self._bus.announce("fleet-file-refused", _refusal(error, newest, stored.commit), now)
                if self._refused:
                    self._refused(error)
            raise
        if pointer.version != newest:
            # What it allows more than the file before is said aloud: a raised rung, a lower floor, a dropped hold.
            allows = [str(found) for found in self._allows(pointer.version, config, now)]
            self._write_pointer(Pointer(version=newest, judged=newest, commit=stored.commit, at=now))
            accepted = {"version": newest, "commit": stored.commit, "allows": allows[:SHOWN_PROBLEMS]}
            self._bus.announce("fleet-file-accepted", accepted, now)
        self._known = (newest, config)
        return config, stored.commit

    def _allows(self, before: str, config: Config, now: int) -> tuple[Difference, ...]:
        return differences(self._config(before), config, now=now) if before else ()

    def _config(self, version: str) -> Config:
        if self._known is None or self._known[0] != version:
            # Judged when it was accepted: a hold that was short enough then is not too long now.
            data = self._bucket.get(FLEET_KEY, version=version).data
            self._known = (version, capped(load(data), self._most))
        return self._known[1]

    def _read_pointer(self) -> Pointer:
        try:
            changed = self._bucket.get_if_changed(ACCEPTED_KEY, self._etag)
        except NotFound:
            self._pointer, self._etag = Pointer(), ""
            return self._pointer
        if changed is not None:
            try:
                pointer = Pointer.model_validate_json(changed.data)
            except ValidationError as error:
                raise UnknownSchema(f"{ACCEPTED_KEY} cannot be read: {error}") from error
            if pointer.schema_ != SCHEMA:
                raise UnknownSchema(f"{ACCEPTED_KEY} has schema {pointer.schema_}; this version reads {SCHEMA}")
            self._pointer, self._etag = pointer, changed.etag
        return self._pointer

    def _write_pointer(self, pointer: Pointer) -> None:
        self._bucket.put(ACCEPTED_KEY, canonical(pointer.model_dump()), content_type="application/json")
        self._pointer, self._etag = pointer, ""

    def _missing(self) -> Problem:
        where = f"s3://{self._bucket.name}/{FLEET_KEY}"
        return Problem(where, None, "a fleet.yaml that `tidepool validate` accepts", f"aws s3 cp fleet.yaml {where}")


def _refusal(error: BadFleetFile, version: str, commit: str) -> dict[str, object]:
    return {
        "version": version,
        "commit": commit,
        "count": len(error.problems),
        "problems": [str(problem) for problem in error.problems[:SHOWN_PROBLEMS]],
    }
