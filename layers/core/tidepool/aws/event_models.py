"""What every event's model has in common: AWS adds fields, ours allow nothing unknown."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Aws(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)


class Ours(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


class Timed(Aws):
    time: datetime

    @property
    def at(self) -> int:
        """When it happened, in seconds since 1970."""
        return int(self.time.timestamp())
