"""Every built handler imports from the built layers alone: nothing is missing there, the checkout is not needed.

Usage: python .ci/try_layers.py BUILD PYTHON. PYTHON is the interpreter that the build was made for.
"""

import subprocess
import sys
from pathlib import Path

TRY = """
import sys, time
began = time.perf_counter()
import handler
took = time.perf_counter() - began
import tidepool
assert callable(handler.lambda_handler)
assert sys.argv[2] in tidepool.__file__, f"tidepool came from {tidepool.__file__}"
print(f"{took * 1000:6.0f} ms  {sys.argv[1]}")
"""
VARIABLES = {
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "TIDEPOOL_STACK": "try",
    "TIDEPOOL_HANDS": "none",
    "TIDEPOOL_LEDGER_TABLE": "try",
    "TIDEPOOL_ROUTES_TABLE": "try",
    "TIDEPOOL_BUCKET": "try",
    "TIDEPOOL_BUS": "try",
    "TIDEPOOL_ALARM_PREFIX": "try-burst-",
    "POWERTOOLS_SERVICE_NAME": "try",
    "POWERTOOLS_METRICS_NAMESPACE": "Tidepool",
}


def main() -> int:
    build, python = Path(sys.argv[1]).resolve(), sys.argv[2]
    layers = [str(build / layer / "python") for layer in ("DependenciesLayer", "CoreLayer")]
    failed = 0
    for function in sorted(build.glob("*Function")):
        path = ":".join([str(function), *layers])
        command = [python, "-s", "-c", TRY, function.name, str(build)]
        failed += bool(subprocess.run(command, env={**VARIABLES, "PYTHONPATH": path}, cwd="/", check=False).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main())
