"""Lets a built template be deployed only as it was built: wheels of another Python or machine cannot be loaded.

    pin_built.py .aws-sam/build/template.yaml Runtime=python3.12 Architecture=arm64

Each of these parameters has that one value from now on, which is its default as well: a first deploy takes it. A stack
that has another must be told it once, because sam sends the previous value of what is not named.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def pinned(template: str, values: dict[str, str]) -> str:
    """The template as sam build wrote it, with one value for each. SystemExit where a parameter is not as expected."""
    for name, value in values.items():
        block = rf"^  {name}:\n    Type: String\n    Default: \S+\n    AllowedValues:\n(    - \S+\n)+"
        only = f"  {name}:\n    Type: String\n    Default: {value}\n    AllowedValues:\n    - {value}\n"
        template, found = re.subn(block, only, template, flags=re.M)
        if found != 1:
            raise SystemExit(f"the built template has {found} parameters {name} with default and allowed values, not 1")
    return template


if __name__ == "__main__":
    path, words = Path(sys.argv[1]), sys.argv[2:]
    path.write_text(pinned(path.read_text(), dict(word.split("=") for word in words)))
    print(f"This build can be deployed with {' and '.join(words)} alone. To a stack that has others:")
    print(f"  .venv-sam/bin/sam deploy --parameter-overrides {' '.join(words)}")
