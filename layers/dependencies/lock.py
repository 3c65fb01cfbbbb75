"""Every lock under PYTHON/ARCHITECTURE/requirements.txt is what requirements.in resolves to for that target today.

Usage: python lock.py [CONSTRAINTS]. `make lock` runs it with the developers' versions as constraints, so that what is
tested is what ships. Python 3.11's Lambda has glibc 2.26, for which the newest NumPy is 2.2.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


def lock(python: str, architecture: str, constraints: Path | None) -> str:
    """The lock for one target: one `name==version --hash=sha256:…` a line, of one wheel each."""
    # As in the Makefile: the tags that the runtime's glibc can load.
    tags = ("manylinux2014",) if python == "3.11" else ("manylinux2014", "manylinux_2_27", "manylinux_2_28")
    platforms = [word for tag in tags for word in ("--platform", f"{tag}_{MACHINES[architecture]}")]
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), "--target", scratch, "--only-binary=:all:"]
        command += ["--implementation", "cp", "--python-version", python, *platforms]
        command += ["--requirement", str(HERE / "requirements.in")]
        if constraints is not None:
            command += ["--constraint", str(loadable(constraints, python, Path(scratch)))]
        subprocess.run(command, check=True)
        wheels = json.loads(report.read_text())["install"]
    lines = sorted(
        f"{wheel['metadata']['name'].lower()}=={wheel['metadata']['version']} "
        f"--hash=sha256:{wheel['download_info']['archive_info']['hashes']['sha256']}"
        for wheel in wheels
    )
    return "\n".join([f"# Python {python} on {architecture}; made by `make lock`, do not edit", *lines, ""])


def loadable(constraints: Path, python: str, scratch: Path) -> Path:
    """The constraints without those whose wheels the target's glibc cannot load: NumPy on Python 3.11."""
    lines = constraints.read_text().splitlines(keepends=True)
    kept = scratch / "constraints.txt"
    kept.write_text("".join(line for line in lines if python != "3.11" or not line.startswith("numpy==")))
    return kept


def main() -> None:
    constraints = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    for python in PYTHONS:
        for architecture in MACHINES:
            target = HERE / f"python{python}" / architecture / "requirements.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(lock(python, architecture, constraints))
            print(target.relative_to(HERE))


if __name__ == "__main__":
    main()
