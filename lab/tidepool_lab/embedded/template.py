"""The template as CloudFormation sees it: SAM expanded by SAM's own translator, no hand-written list of anything."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

LOCAL = "tidepool-local"
"""The bucket that stands for the checkout: SAM takes code from S3 only, so `functions/decide/` becomes
s3://tidepool-local/functions/decide/ before translation and is read back from the translated function."""

_CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}


def read(path: Path) -> dict[str, Any]:
    """The SAM template of that file, as written."""
    parsed = yaml_parse(path.read_text(encoding="utf-8"))
    assert isinstance(parsed, dict)
    return parsed


def translate(source: Mapping[str, Any], parameters: Mapping[str, str], *, region: str) -> dict[str, Any]:
    """The CloudFormation template that SAM makes of `source`. SAM's own InvalidDocumentException where it refuses."""
    local = copy.deepcopy(dict(source))
    _from_s3(local)
    session = boto3.session.Session(region_name=region)
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), boto_session=session)
    translated = translator.translate(sam_template=local, parameter_values=dict(parameters))
    # To nobody (the publisher is a dummy); left alone, the counters complain on stderr when they are collected.
    translator.metrics.publish()
    assert isinstance(translated, dict)
    return translated


def _from_s3(template: dict[str, Any]) -> None:
    globals_ = template.get("Globals", {}).get("Function", {})
    if isinstance(globals_.get("CodeUri"), str):
        globals_["CodeUri"] = _uri(globals_["CodeUri"])
    for resource in template.get("Resources", {}).values():
        key = _CODE.get(resource.get("Type", ""))
        properties = resource.get("Properties", {})
        if key and isinstance(properties.get(key), str):
            properties[key] = _uri(properties[key])


def _uri(path: str) -> str:
    return path if path.startswith("s3://") else f"s3://{LOCAL}/{Path(path).as_posix()}"
