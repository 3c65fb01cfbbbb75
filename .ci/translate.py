"""The SAM template as CloudFormation gets it, written as JSON. Usage: python .ci/translate.py SOURCE TARGET."""

import json
import sys
from pathlib import Path

from tidepool_lab.embedded import template

source, target = map(Path, sys.argv[1:])
target.write_text(json.dumps(template.translate(template.read(source), {}, region="us-east-1"), indent=2) + "\n")
