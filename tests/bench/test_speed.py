"""The speed benchmark runs, and says what it measured; how fast it is, no test asks."""

from __future__ import annotations

import re

import pytest

from tidepool_lab.bench import speed


def test_a_line_for_each_size_with_milliseconds_and_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["speed", "3"])
    assert speed.main() == 0
    line = capsys.readouterr().out
    assert re.fullmatch(r" +3 models: +[\d.]+ ms median, +[\d.]+ ms longest, +\d+ MB held .*\n", line), line
