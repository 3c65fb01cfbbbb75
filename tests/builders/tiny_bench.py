"""A folder in which the bench takes a second: one small model, a day of requests, and both kinds of fleet file."""

from __future__ import annotations

from pathlib import Path

from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.shipped import SIZES, reference_fleet, reference_model

TINY = ("bench", "--trace", "traffic.csv", "--fleet", "fleet.json", "--jobs", "1", "--policies", "native,floor")
"""The command in that folder."""


def tiny_bench(folder: Path, *, busy: int) -> None:
    """`busy` requests a minute in the first 20 minutes of each hour, and 30 in the others."""
    fleet = reference_fleet((reference_model("a", SIZES["14B"]),), minutes=1440)
    (folder / "fleet.json").write_text(fleet.model_dump_json(by_alias=True))
    (folder / "fleet.yaml").write_text(fleet_yaml(fleet))
    lines = [f"{minute},a,{busy if minute % 60 < 20 else 30}" for minute in range(0, 1440)]
    (folder / "traffic.csv").write_text("minute,model,requests\n" + "\n".join(lines) + "\n")
