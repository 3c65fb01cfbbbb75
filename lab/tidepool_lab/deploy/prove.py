"""No permission is unused: each statement of each role is taken out of the deployed stack, and its scenario is denied.

    make prove-permissions

A statement is proved when its role is denied one of its actions while it is out of the role's policy; then it is put
back, and between two statements nobody may be denied anything. What no scenario here reaches is listed with its reason,
never as proved. The last line is JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidepool_lab.deploy.permissions import Statement, resolved, statements
from tidepool_lab.deploy.scenarios import CALENDAR, FLEET, Scenarios
from tidepool_lab.deploy.stage import ROOT, Stage, build
from tidepool_lab.embedded import template
from tidepool_lab.twin.describe import BOUNDARY

STACK = "tidepool-proved"

UNREACHED: Mapping[str, str] = {}
"""ROLE.SID that no scenario here calls for → why."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What happened without one statement. `denied`: the action, '' = nobody missed it. `why` it was not tried."""

    name: str
    denied: str = ""
    why: str = ""

    def __str__(self) -> str:
        told = f"denied {self.denied}" if self.denied else f"not tried: {self.why}" if self.why else "NOT MISSED"
        return f"{self.name:52} {told}"


def prove(stage: Stage, scenarios: Scenarios, statement: Statement) -> Proof:
    """What its role is denied while the statement is out. The scenario is over and the role whole again."""
    name, role = f"{statement.role}.{statement.sid}", scenarios.physical(statement.role)
    if name in UNREACHED:
        return Proof(name, why=UNREACHED[name])

    def denied() -> str:
        for line in stage.seen()["refused"][before:]:
            who, _, action = line.partition(" ")
            if role in who.split("/") and action in statement.actions:
                return str(action)
        return ""

    scenario = scenarios.of(statement.role, statement.sid)
    with nothing_refused(stage, name):
        scenario.prepare()
    before = len(stage.seen()["refused"])
    with without(stage, role, statement.sid):
        scenario.run(denied)
        proof = Proof(name, denied())
    with nothing_refused(stage, name):
        scenario.end()
    return proof


@contextmanager
def nothing_refused(stage: Stage, name: str) -> Iterator[None]:
    """Nobody is denied anything meanwhile. RuntimeError with what was."""
    before = len(stage.seen()["refused"])
    yield
    refused = sorted(set(stage.seen()["refused"][before:]))
    if refused:
        raise RuntimeError(f"{name}: with every statement in force these were denied: {refused}")


@contextmanager
def without(stage: Stage, role: str, sid: str) -> Iterator[None]:
    """The role lacks that statement; afterwards it is as deployed. A policy that roles share is taken from them all."""
    iam = stage.client("iam")
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        if _has(document, sid):
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(_less(document, sid)))
            try:
                yield
            finally:
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
            return
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        known = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=known)["PolicyVersion"]["Document"]
        if _has(document, sid):
            iam.detach_role_policy(RoleName=role, PolicyArn=arn)
            put = {"RoleName": role, "PolicyName": "less"}
            iam.put_role_policy(**put, PolicyDocument=json.dumps(_less(document, sid)))
            try:
                yield
            finally:
                iam.delete_role_policy(**put)
                iam.attach_role_policy(RoleName=role, PolicyArn=arn)
            return
    raise LookupError(f"no policy of {role} has the statement {sid}")


def _has(document: Mapping[str, Any], sid: str) -> bool:
    return any(statement["Sid"] == sid for statement in document["Statement"])


def _less(document: Mapping[str, Any], sid: str) -> dict[str, Any]:
    left = [statement for statement in document["Statement"] if statement["Sid"] != sid]
    # A policy may not be empty: what stays allows what nobody asks.
    nothing = {"Sid": "Nothing", "Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
    return {**document, "Statement": left or [nothing]}


def main(only: Sequence[str]) -> int:
    """Every ROLE.SID that begins with one of `only` (none = all), told as it is tried; 1 when one was not missed."""
    began = time.monotonic()
    stack = resolved(template.read(ROOT / "template.yaml"), hands="moves", roles=BOUNDARY.role)
    names = tuple(only) or ("",)
    known = [each for each in statements(stack) if f"{each.role}.{each.sid}".startswith(names)]
    build()
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder)) as stage:
        stage.ask("calendar", **{CALENDAR: "OPEN"})
        stage.deploy(STACK, Hands="moves", ExecutionRoleArns=BOUNDARY.role)
        stage.upload(STACK, FLEET)
        stage.minutes()
        assert stage.records(STACK), stage.results(STACK)
        scenarios = Scenarios(stage, STACK)
        proofs = []
        with nothing_refused(stage, "a minute of each function's work"):
            scenarios.everyone()
        for statement in known:
            proofs.append(prove(stage, scenarios, statement))
            print(f"{time.monotonic() - began:5.0f} s  {proofs[-1]}", flush=True)
    unused = [each.name for each in proofs if not each.denied and not each.why]
    told = {
        "statements": len(proofs),
        "proved": sum(bool(each.denied) for each in proofs),
        "unreached": {each.name: each.why for each in proofs if each.why},
        "unused": unused,
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(told))
    return 1 if unused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
