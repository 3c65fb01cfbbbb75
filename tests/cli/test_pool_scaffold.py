"""`pool scaffold` prints code that CloudFormation's linter and a Terraform parser accept, and it is what was asked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from click.testing import CliRunner, Result

from tidepool_cli.main import cli

ROOT = Path(__file__).parents[2]
CFN_LINT = ROOT / ".venv-sam" / "bin" / "cfn-lint"
POOL = ("shared-p5en", "--instance-type", "ml.p5en.48xlarge", "--count", "2", "--max", "6")
TAGS = ("--tag", "owner=Ünal @ ml: a/b=c", "--tag", "cost-center=true")


def scaffold(*words: str) -> Result:
    return CliRunner().invoke(cli, ["pool", "scaffold", *words])


def printed(*words: str) -> str:
    result = scaffold(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


class Tagged(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, each read as its argument."""


Tagged.add_multi_constructor("!", lambda loader, suffix, node: f"{suffix} {node.value}")


def read(text: str) -> Any:
    """CloudFormation's YAML as values."""
    return yaml.load(text, Tagged)


@pytest.mark.parametrize("more", [(), TAGS], ids=["plain", "tags"])
def test_the_cloudformation_passes_cfn_lint(tmp_path: Path, more: tuple[str, ...]) -> None:
    if not CFN_LINT.exists():
        pytest.skip("make .venv-sam/.stamp installs cfn-lint")
    template = tmp_path / "pool.yaml"
    template.write_text(printed(*POOL, *more, "--format", "cloudformation"))
    checked = subprocess.run(
        [CFN_LINT, "--region", "us-east-1", "--format", "json", template], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, json.loads(checked.stdout)) == (0, []), checked.stdout


def test_the_cloudformation_is_a_pool_as_asked() -> None:
    template = read(printed(*POOL, *TAGS, "--format", "cloudformation"))
    config = template["Resources"]["PoolConfig"]["Properties"]
    assert config["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "InstanceType": "ml.p5en.48xlarge",
            "InitialInstanceCount": 2,
            "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 6},
            "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        }
    ]
    assert config["ExecutionRoleArn"] == "Ref ExecutionRoleArn"
    for resource in ("PoolConfig", "Pool"):
        assert template["Resources"][resource]["Properties"]["Tags"] == [
            {"Key": "tidepool:managed", "Value": "true"},
            {"Key": "owner", "Value": "Ünal @ ml: a/b=c"},
            {"Key": "cost-center", "Value": "true"},
        ]


def test_the_terraform_is_parsed_and_is_the_same_pool() -> None:
    parsed = hcl2.loads(printed(*POOL, *TAGS, "--format", "terraform"))
    (config,), (endpoint,) = (
        [values for resource in parsed["resource"] for kind, values in resource.items() if kind.strip('"') == wanted]
        for wanted in ("aws_sagemaker_endpoint_configuration", "aws_sagemaker_endpoint")
    )
    (made,) = config.values()
    (variant,) = made["production_variants"]
    assert text(variant["instance_type"]) == "ml.p5en.48xlarge"
    assert (variant["initial_instance_count"], text(made["execution_role_arn"])) == (2, "${var.execution_role_arn}")
    (scaling,), (routing,) = variant["managed_instance_scaling"], variant["routing_config"]
    assert (text(scaling["status"]), scaling["min_instance_count"], scaling["max_instance_count"]) == ("ENABLED", 1, 6)
    assert text(routing["routing_strategy"]) == "LEAST_OUTSTANDING_REQUESTS"
    (shown,) = endpoint.values()
    assert text(shown["name"]) == "shared-p5en"
    assert {text(k): text(v) for k, v in made["tags"].items()} == {
        "tidepool:managed": "true",
        "owner": "Ünal @ ml: a/b=c",
        "cost-center": "true",
    }


@pytest.mark.parametrize("tag", ["x", "=x", "a=${b}", 'a="', "a=b\n", "a=%{if}"])
def test_a_tag_that_could_end_a_text_is_refused(tag: str) -> None:
    result = scaffold(*POOL, "--tag", tag, "--format", "terraform")
    assert result.exit_code == 1 and "KEY=VALUE" in result.output


def text(value: str) -> str:
    """A parsed text without its quotes."""
    return value.strip('"')


def test_a_long_name_leaves_room_for_what_terraform_appends() -> None:
    parsed = printed("p" * 63, "--instance-type", "ml.g5.xlarge", "--format", "terraform")
    (prefix,) = [line.split('"')[1] for line in parsed.splitlines() if "name_prefix" in line]
    assert len(prefix) + 26 <= 63


def test_without_a_ceiling_it_is_small_and_never_below_the_count() -> None:
    for count, most in (("1", 4), ("9", 9)):
        template = printed("p", "--instance-type", "ml.g5.xlarge", "--count", count, "--format", "cloudformation")
        assert f"MaxInstanceCount: {most}}}" in template


def test_everything_wrong_is_told_at_once() -> None:
    words = ("bad_name", "--instance-type", "p4d", "--count", "0", "--max", "-1", "--tag", "x", "--format", "terraform")
    result = scaffold(*words)
    assert result.exit_code == 1
    for expected in ("5 problems", "NAME", "--instance-type", "--count", "--max", "--tag", "KEY=VALUE"):
        assert expected in result.output
