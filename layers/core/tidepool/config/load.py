"""The two questions people and handlers ask of fleet.yaml: what is the Config, and where does a value come from."""

from __future__ import annotations

from tidepool.config.checked import validated
from tidepool.config.effective import Line, effective
from tidepool.config.typed import config_of
from tidepool.config.types import Config

__all__ = ["Line", "effective", "load"]


def load(text: str | bytes, *, now: int | None = None, region: str = "") -> Config:
    """The file, typed and complete, with every default filled in.

    `now` (seconds since 1970) judges how long a hold may last, and `region` for which region the file may be; without
    one of them, that rule is left out.
    Raises BadFleetFile with all problems, in the order of the file. The same text gives the same Config.
    """
    file, _ = validated(text, now=now, region=region)
    return config_of(file)
