"""The speed benchmark runs, and says what it measured; how fast it is, no test asks."""

from __future__ import annotations

import re

import pytest

from tidepool.config.load import load
from tidepool.config.resolve import model_config
from tidepool.config.yaml_source import MAX_BYTES
from tidepool_lab.bench import speed
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.shipped import seeded_fleet


def test_a_line_for_each_size_with_milliseconds_and_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["speed", "3"])
    assert speed.main() == 0
    line = capsys.readouterr().out
    assert re.fullmatch(r" +3 models: +[\d.]+ ms median, +[\d.]+ ms longest, +\d+ MB held .*\n", line), line


def test_a_thousand_models_fit_one_file() -> None:
    fleet, _, _ = seeded_fleet(models=1000, minutes=10, seed=speed.SEED)
    assert len(fleet_yaml(fleet).encode()) > MAX_BYTES
    assert len(speed.by_size(fleet_yaml(fleet)).encode()) < MAX_BYTES


def test_each_model_has_the_terms_that_its_own_lines_would_give() -> None:
    fleet, _, _ = seeded_fleet(models=40, minutes=10, seed=speed.SEED)
    short, whole = load(speed.by_size(fleet_yaml(fleet))), load(fleet_yaml(fleet))
    assert len(short.globs) == 3 and len(short.names) == 40
    for model in fleet.models:
        assert model_config(short, model.name) == model_config(whole, model.name)
