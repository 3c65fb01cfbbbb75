"""checkov and parliament over a template as the stack that it makes: conditions met, every function evaluated."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidepool_lab.embedded import template
from tidepool_lab.embedded.intrinsics import Resolver

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-policies"
REGION = "us-east-1"

Resources = dict[str, dict[str, Any]]


@dataclass(frozen=True, order=True)
class Finding:
    """What a checker says against one resource. `action` as it names it; '' where it speaks of the resource."""

    resource: str
    issue: str
    action: str = ""


def resources_of(path: Path, parameters: Mapping[str, str]) -> Resources:
    """Logical id → type, properties and metadata, of every resource that exists with these parameters."""
    translated = template.translate(template.read(path), parameters, region=REGION)
    stack = Resolver(translated, parameters, stack="tidepool", region=REGION)
    return {
        name: {
            "Type": stack.resources[name]["Type"],
            "Metadata": stack.resources[name].get("Metadata", {}),
            "Properties": stack.properties(name),
        }
        for name in stack.resources
        if stack.exists(name)
    }


def checkov(resources: Resources, folder: Path) -> set[Finding]:
    """Its findings, ours among its checks; those that Metadata skips are left out."""
    file = folder / "stack.json"
    file.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}))
    arguments = ["--framework", "cloudformation", "--external-checks-dir", str(ROOT / ".ci" / "checkov")]
    told = _told("checkov", "--file", str(file), *arguments, "--skip-download", "--compact", "--output", "json")
    report = json.loads(told)
    assert report["summary"]["passed"] > 0 and report["summary"]["parsing_errors"] == 0, told
    failed = report["results"]["failed_checks"]
    return {Finding(each["resource"].rpartition(".")[2], each["check_id"]) for each in failed}


def parliament(resources: Resources, folder: Path) -> set[Finding]:
    """Its findings on every policy of IAM, those that Metadata names among them."""
    (folder / "policies").mkdir()
    for name, resource in resources.items():
        for number, document in enumerate(_documents(resource)):
            (folder / "policies" / f"{name}.{number}.json").write_text(json.dumps(document))
    told = _told("parliament", "--directory", str(folder / "policies"), "--include-community-auditors", "--json")
    return {finding for line in told.splitlines() for finding in _findings(json.loads(line))}


def ignored(resources: Resources) -> set[Finding]:
    """What Metadata says of parliament's findings, each with its reason."""
    found = {name: resource["Metadata"].get("parliament", ()) for name, resource in resources.items()}
    return {Finding(name, one["issue"], one["action"]) for name, ones in found.items() for one in ones}


def reasons(resources: Resources) -> Iterator[tuple[str, str]]:
    """(resource, reason) of everything that Metadata takes back."""
    for name, resource in resources.items():
        for one in resource["Metadata"].get("checkov", {}).get("skip", ()):
            yield name, one["comment"]
        for one in resource["Metadata"].get("parliament", ()):
            yield name, one["why"]


def _documents(resource: Mapping[str, Any]) -> list[Any]:
    if not resource["Type"].startswith("AWS::IAM::"):
        return []
    properties = resource["Properties"]
    own = [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
    return [*own, *(policy["PolicyDocument"] for policy in properties.get("Policies", ()))]


def _findings(told: Mapping[str, Any]) -> Iterator[Finding]:
    location, detail = told["location"], told["detail"]
    resource = Path(location["filepath"]).name.partition(".")[0]
    subjects = location.get("actions") or [location.get("string")]
    if isinstance(detail, list):
        subjects = [each["action"] if isinstance(each, dict) else str(each) for each in detail]
    for subject in subjects:
        yield Finding(resource, told["issue"], subject or str(detail))


def _told(tool: str, *arguments: str) -> str:
    """What it wrote. Both exit 1 when they find something, so that only their output says whether they ran."""
    run = subprocess.run([TOOLS / "bin" / tool, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode in {0, 1} and "Traceback" not in run.stderr, run.stderr
    return run.stdout
