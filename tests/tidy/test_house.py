"""The house rules that a machine can check: sizes, rooms, papers, and what handlers may import at once."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ROOMS = {
    ".ci",
    "cli",
    "client",
    "docs",
    "events",
    "functions",
    "hub",
    "lab",
    "layers",
    "tests",
}
"""Every top-level folder there is."""

PAPERS = {
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
    "samconfig.toml",
    "template.yaml",
}
"""Every top-level file there is."""

FUNCTIONS = {"decide", "scale_copies", "scale_instances", "move_models", "learn", "report"}

MODULE_LINES, HANDLER_LINES = 400, 60

HEAVY = {"boto3", "botocore", "numpy", "aws_lambda_powertools", "yaml"}
"""Tens of milliseconds each to import: a handler leaves them to the place that needs them."""


def tracked() -> list[Path]:
    """Every file of the repository; where git is not there, every file that is not made."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).exists()]
    made = {".venv", ".venv-sam", ".venv-policies", ".venv-rig", ".aws-sam", ".cache", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.relative_to(ROOT).parts)]


def python() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_module_is_longer_than_400_lines() -> None:
    assert [f"{path.relative_to(ROOT)}: {lines(path)}" for path in python() if lines(path) > MODULE_LINES] == []


def test_every_function_is_a_folder_with_one_handler_of_at_most_60_lines() -> None:
    handlers = {path.parent.name: path for path in (ROOT / "functions").glob("*/handler.py")}
    assert set(handlers) == FUNCTIONS
    assert [f"{name}: {lines(path)}" for name, path in handlers.items() if lines(path) > HANDLER_LINES] == []
    others = [p for p in tracked() if p.is_relative_to(ROOT / "functions") and p not in handlers.values()]
    assert others == []


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_handler_imports_nothing_heavy_before_it_is_called(name: str) -> None:
    tree = ast.parse((ROOT / "functions" / name / "handler.py").read_text())
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in imported} & HEAVY == set()


def test_the_top_level_has_only_the_rooms_and_papers_of_the_plan() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in tracked() if len(path.relative_to(ROOT).parts) > 1}
    assert top == ROOMS
    assert {path.name for path in tracked() if path.parent == ROOT} == PAPERS


def test_the_license_is_apache_2_in_full() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_a_layer_ships_its_whole_folder_so_nothing_else_lies_in_it() -> None:
    core = ROOT / "layers" / "core"
    assert {p.relative_to(core).parts[0] for p in tracked() if p.is_relative_to(core)} == {"Makefile", "tidepool"}


def test_every_module_says_what_it_is() -> None:
    ours = [path for path in python() if "tests" not in path.relative_to(ROOT).parts and path.read_text().strip()]
    assert [str(p.relative_to(ROOT)) for p in ours if ast.get_docstring(ast.parse(p.read_text())) is None] == []


def test_nothing_is_left_to_do_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [str(p.relative_to(ROOT)) for p in python() if p != Path(__file__) and later.search(p.read_text())] == []


def test_nothing_that_ships_is_a_stub() -> None:
    shipped = [path for path in python() if path.relative_to(ROOT).parts[0] in {"layers", "functions", "client", "cli"}]
    assert [str(p.relative_to(ROOT)) for p in shipped if "NotImplementedError" in p.read_text()] == []


def test_no_test_sleeps_or_reads_the_wall_clock() -> None:
    waits = re.compile(r"\btime\.(sleep|time)\(|\bdatetime\.now\(\)")
    # tests/deploy talks to a running emulator, whose signatures carry the hour.
    every = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    tests = [path for path in every if ROOT / "tests" / "deploy" not in path.parents]
    assert [str(path.relative_to(ROOT)) for path in tests if waits.search(path.read_text())] == []


def test_the_core_is_tested_without_a_mocking_library() -> None:
    mocks = re.compile(r"unittest\.mock|pytest_mock|\bMagicMock\b")
    rooms = ("duties", "properties", "moves", "config", "plan", "report")
    core = [path for room in rooms for path in (ROOT / "tests" / room).rglob("*.py")]
    assert len(core) > 10
    assert [str(path.relative_to(ROOT)) for path in core if mocks.search(path.read_text())] == []


SELF_EVIDENT = {"DAY_MINUTES", "MINUTE", "FAST", "CLIENT_FAULT", "SCHEMA", "RECORD_SCHEMA", "MARGIN", "WIDTH", "HEAD"}
"""Units, versions of our own formats, and the layout of a picture: their names say where they come from."""


def unexplained(path: Path) -> list[str]:
    """Numeric constants of a module with neither a text below them nor a comment on or above their line. Constants
    that follow each other share what stands below the last.
    """
    text = path.read_text(encoding="utf-8")
    rows, body = text.splitlines(), ast.parse(text).body
    silent, waiting = [], []
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            waiting += [
                name for name in _numbers(node) if "#" not in "".join(rows[max(0, node.lineno - 2) : node.end_lineno])
            ]
            continue
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            silent += waiting
        waiting = []
    return [name for name in silent + waiting if name not in SELF_EVIDENT]


def _numbers(node: ast.Assign | ast.AnnAssign) -> list[str]:
    """The names in capitals that are given a number here, or several."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name) and n.id.isupper()]
    given = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    return (
        names
        if all(isinstance(value, ast.Constant | ast.BinOp | ast.UnaryOp) for value in given)
        and any(
            isinstance(n, ast.Constant) and isinstance(n.value, int | float) for value in given for n in ast.walk(value)
        )
        else []
    )


def test_every_number_that_ships_says_where_it_comes_from() -> None:
    core = [path for path in python() if path.is_relative_to(ROOT / "layers" / "core" / "tidepool")]
    assert {str(path.relative_to(ROOT)): names for path in core if (names := unexplained(path))} == {}


def test_a_number_without_a_source_is_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('KEPT_S = 60\n"""A minute."""\nLOST_S = 60\n\n\ndef f() -> None: ...\n')
    assert unexplained(module) == ["LOST_S"]
