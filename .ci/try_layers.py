"""Every built handler imports from the built layers alone, and in little time: nothing is missing, nothing is in vain.

Usage: python .ci/try_layers.py BUILD PYTHON. PYTHON is the interpreter that the build was made for.

The slowest handler may take LIMIT times what boto3 alone takes in the same run, each at its best of TRIES, in seconds
of this process: whatever else the machine does is not in them.
"""

import subprocess
import sys
from pathlib import Path

LIMIT, TRIES = 3.0, 9
# Measured on two cores that did nothing else (boto3 alone 140 ms, 2026-11): decide 2.6, move_models 2.4, learn 2.3,
# report and the two other hands 1.85 times boto3. What is left of decide is 120 frozen dataclasses, pydantic and numpy.
# Not in them, since it is imported or built at the first event that needs it: the adapters of the ports, Powertools,
# boto3's clients, what reads a stored kind, what begins moves, and the models of what people and CloudTrail tell. numpy
# is in them where it is used, and starts no threads. Nothing is collected meanwhile (cold_start.py).
UNCHECKED = b"\x01\0\0\0"
"""PEP 552: byte code that is valid whatever the time of its source."""
TRY = """
import sys, time
began = time.process_time()
import {module}
print(time.process_time() - began)
if "{module}" == "handler":
    import tidepool
    from tidepool import wiring
    assert callable(handler.lambda_handler)
    assert sys.argv[1] in tidepool.__file__, f"tidepool came from {{tidepool.__file__}}"
    wiring.ports()
    assert sys.argv[2] in {arrays} or "numpy" not in sys.modules, f"{{sys.argv[2]}} has no arrays, and loads numpy"
"""
ARRAYS = {"DecideFunction", "LearnFunction", "MoveModelsFunction"}
"""What forecasts, sizes or judges. The others load no numpy, neither at their import nor when their ports are made."""
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
    "OPENBLAS_NUM_THREADS": "1",
}


def main() -> int:
    """How many handlers cannot be imported; 1 when all can and the slowest takes too long."""
    build, python = Path(sys.argv[1]).resolve(), sys.argv[2]
    layers = [build / layer / "python" for layer in ("DependenciesLayer", "CoreLayer")]
    codes = [code for layer in layers for code in layer.rglob("*.pyc")]
    if checked := [str(code) for code in codes if code.read_bytes()[4:8] != UNCHECKED]:
        print(f"{len(checked)} of {len(codes)} .pyc hold by their sources' times, which a zip rounds: {checked[0]}")
        return len(checked)
    folders = {"boto3": layers, **{function.name: [function, *layers] for function in sorted(build.glob("*Function"))}}
    best: dict[str, float] = {}
    failed = set()
    # In turns, so that a slow moment of the machine falls on all of them alike.
    for _ in range(TRIES):
        for name, path in folders.items():
            took = imported(name, path, build, python)
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


def imported(name: str, path: list[Path], build: Path, python: str) -> float | None:
    """Seconds of the process that the import took; None when it failed, which Python has told of."""
    module = "boto3" if name == "boto3" else "handler"
    variables = {**VARIABLES, "PYTHONPATH": ":".join(map(str, path))}
    command = [python, "-s", "-c", TRY.format(module=module, arrays=ARRAYS), str(build), name]
    ran = subprocess.run(command, env=variables, cwd="/", check=False, stdout=subprocess.PIPE, text=True)
    return None if ran.returncode else float(ran.stdout)


if __name__ == "__main__":
    sys.exit(main())
