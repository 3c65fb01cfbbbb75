"""The `tidepool` command in this process, and the commands that the docs show."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner, Result

from tidepool_cli.main import cli

STACK = (
    "tidepool move ",
    "tidepool moves",
    "tidepool attach ",
    "tidepool migrate ",
    "tidepool status",
    "tidepool freeze",
    "tidepool hold ",
    "tidepool surge ",
    "tidepool leave",
    "tidepool plan --stack ",
    "tidepool explain texteval --stack ",
)
"""How commands begin that want a deployed stack: tests/cli/test_docs_stack_commands.py runs them on the twin's."""

_FENCE = re.compile(r"^```console\n(.*?)^```", re.M | re.S)


def run(*words: str) -> Result:
    """What `tidepool WORDS` said, and its exit code; any other error of it is raised."""
    result = CliRunner().invoke(cli, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def shown(page: Path) -> list[str]:
    """Every `tidepool` line of the page's console fences, continued lines joined, without prompts and comments."""
    blocks = _FENCE.findall(page.read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    found = [re.sub(r"\s+# .*$", "", line.removeprefix("$ ")).strip() for line in lines]
    return [line for line in found if line.startswith("tidepool ")]
