"""Traces and reference fleets are read whole, or refused with every problem at once."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tidepool.errors import BadTrace
from tidepool_lab.inputs.reference import parse_reference, read_reference
from tidepool_lab.inputs.trace import SHOWN, read_trace

HEADER = "minute,model,requests,input_tokens,output_tokens\n"


def write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_what_a_trace_does_not_list_is_zero(tmp_path: Path):
    path = write(tmp_path / "t.csv.gz", HEADER + "0,a,3,,\n2,b,5,10,20\n")
    trace = read_trace(path, models=("a", "b"), minutes=3)
    assert trace.counts.tolist() == [[3, 0], [0, 0], [0, 5]]


def test_columns_follow_the_fleet_file_not_the_trace(tmp_path: Path):
    path = write(tmp_path / "t.csv.gz", HEADER + "0,a,3,,\n0,b,5,,\n")
    assert read_trace(path, models=("b", "a"), minutes=1).counts.tolist() == [[5, 3]]


def test_a_broken_trace_is_refused_with_every_problem_at_once(tmp_path: Path):
    rows = ["0,a,1,,", "x,a,1,,", "1,nobody,1,,", "1,a,-4,,", "99,a,1,,", "0,a,2,,", "1,a,1.5,,", "7"]
    with pytest.raises(BadTrace) as refused:
        read_trace(write(tmp_path / "t.csv.gz", HEADER + "\n".join(rows)), models=("a",), minutes=3)
    found = [(problem.line, problem.path, problem.value) for problem in refused.value.problems]
    assert found == [
        (3, "minute", "x"),
        (4, "model", "nobody"),
        (5, "requests", -4),
        (6, "minute", 99),
        (7, "minute,model", "0,a"),
        (8, "requests", "1.5"),
        (9, "line", "7"),
    ]
    assert "nothing was changed" in str(refused.value)


def test_a_trace_of_nothing_but_problems_names_the_first_and_counts_the_rest(tmp_path: Path):
    path = write(tmp_path / "t.csv.gz", HEADER + "".join(f"{m},nobody,1,,\n" for m in range(200)))
    with pytest.raises(BadTrace) as refused:
        read_trace(path, models=("a",), minutes=200)
    assert len(refused.value.problems) == SHOWN + 1
    assert "150 more problems" in str(refused.value)


@pytest.mark.parametrize("text", ["", "time,model\n0,a\n"])
def test_a_trace_without_its_columns_is_refused(tmp_path: Path, text: str):
    with pytest.raises(BadTrace, match="a column 'requests'"):
        read_trace(write(tmp_path / "t.csv.gz", text), models=("a",), minutes=1)


def test_a_trace_that_is_not_there_or_not_gzip_is_refused(tmp_path: Path):
    (tmp_path / "t.csv.gz").write_text("minute,model,requests\n")
    for path in (tmp_path / "t.csv.gz", tmp_path / "nothing.csv"):
        with pytest.raises(BadTrace, match="--trace"):
            read_trace(path, models=("a",), minutes=1)


def test_a_reference_fleet_survives_its_own_json(tmp_path: Path, make_fleet):
    fleet = make_fleet("a", "b", critical=("b",))
    path = tmp_path / "fleet.json"
    path.write_text(fleet.model_dump_json(by_alias=True))
    assert read_reference(path)[0] == fleet


def test_a_broken_reference_fleet_is_refused_with_every_problem_at_once(make_fleet):
    raw = json.loads(make_fleet("a").model_dump_json(by_alias=True))
    raw["models"][0]["objective"]["attainment"] = 1.5
    raw["models"][0]["colour"] = "blue"
    raw["instance_types"]["ml.p4d.24xlarge"]["quota"] = -1
    with pytest.raises(BadTrace) as refused:
        parse_reference(json.dumps(raw).encode(), "fleet.json")
    assert {problem.path for problem in refused.value.problems} == {
        "models.0.objective.attainment",
        "models.0.colour",
        "instance_types.ml.p4d.24xlarge.quota",
    }


def test_a_fleet_that_could_not_start_is_refused(make_fleet):
    base = json.loads(make_fleet("a").model_dump_json(by_alias=True))
    del base["models"][0]["capacity"]["A100-40"]
    with pytest.raises(BadTrace, match="where every run starts: a"):
        parse_reference(json.dumps(base).encode(), "fleet.json")


def test_types_that_a_fleet_does_not_have_are_refused_and_so_is_a_list_without_the_start_type(make_fleet):
    fleet = make_fleet("a")
    assert list(fleet.only(["ml.p4d.24xlarge"]).instance_types) == ["ml.p4d.24xlarge"]
    with pytest.raises(BadTrace) as refused:
        fleet.only(["ml.nothing"])
    assert len(refused.value.problems) == 2
