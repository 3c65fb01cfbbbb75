"""Every built handler imports from the built layers alone, and in little time: nothing is missing there.

Usage: python .ci/try_layers.py BUILD PYTHON. PYTHON is the interpreter that the build was made for.

The slowest handler may take LIMIT times what boto3 alone takes in the same run, each at its best of TRIES, in seconds
of this process: whatever else the machine does is not in them.
"""

import subprocess
import sys
from pathlib import Path

LIMIT, TRIES = 4.0, 5
# The aim is 3. On a quiet machine the slowest handler takes 3.3 times boto3's 144 ms: pydantic is 0.6 of that and numpy
# 0.4, and what decides needs both. The limit keeps it from growing; single runs differ by a tenth.
TRY = """
import sys, time
began = time.process_time()
import {module}
print(time.process_time() - began)
if "{module}" == "handler":
    import tidepool
    assert callable(handler.lambda_handler)
    assert sys.argv[1] in tidepool.__file__, f"tidepool came from {{tidepool.__file__}}"
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
    """How many handlers cannot be imported; 1 when all can and the slowest takes too long."""
    build, python = Path(sys.argv[1]).resolve(), sys.argv[2]
    layers = [build / layer / "python" for layer in ("DependenciesLayer", "CoreLayer")]
    folders = {"boto3": layers, **{function.name: [function, *layers] for function in sorted(build.glob("*Function"))}}
    best: dict[str, float] = {}
    failed = set()
    # In turns, so that a slow moment of the machine falls on all of them alike.
    for _ in range(TRIES):
        for name, path in folders.items():
            took = imported("boto3" if name == "boto3" else "handler", path, build, python)
            if took is None:
                failed.add(name)
            else:
                best[name] = min(took, best.get(name, took))
    if failed:
        return len(failed)
    for name, took in best.items():
        print(f"{took * 1000:6.0f} ms  {took / best['boto3']:4.2f} × boto3  {name}")
    slowest = max(best, key=lambda name: best[name])
    ratio = best[slowest] / best["boto3"]
    if ratio > LIMIT:
        print(f"{slowest} takes {ratio:.2f} times what boto3 alone takes, at most {LIMIT:g}: see python -X importtime")
    return int(ratio > LIMIT)


def imported(module: str, path: list[Path], build: Path, python: str) -> float | None:
    """Seconds of the process that the import took; None when it failed, which Python has told of."""
    variables = {**VARIABLES, "PYTHONPATH": ":".join(map(str, path))}
    command = [python, "-s", "-c", TRY.format(module=module), str(build)]
    ran = subprocess.run(command, env=variables, cwd="/", check=False, stdout=subprocess.PIPE, text=True)
    return None if ran.returncode else float(ran.stdout)


if __name__ == "__main__":
    sys.exit(main())
