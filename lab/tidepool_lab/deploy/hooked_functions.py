"""Hooks into ministack's Lambda: functions run in sandboxes; their roles are asked for what Lambda does with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from tidepool_lab.deploy.account import REGION, Account
from tidepool_lab.deploy.noted import Noted
from tidepool_lab.deploy.resource_policies import role_may
from tidepool_lab.deploy.sandbox import Image, Sandboxes
from tidepool_lab.embedded.intercept import ACCOUNT


class Functions:
    """Runs, their metrics, their logs and their failures."""

    def __init__(self, account: Account, sandboxes: Sandboxes, noted: Noted) -> None:
        self.account, self.sandboxes, self.noted = account, sandboxes, noted

    def install(self) -> None:
        """Every run of a Python function is theirs from now on."""
        lambda_svc._execute_function_warm = self._run
        lambda_svc._route_async_failure = self._hand_over(lambda_svc._route_async_failure)

    def wake(self, arn: str, payload: Any) -> None:
        """The function has the event, asynchronously."""
        function, config, name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not config:
            self.noted.undelivered.append(f"{name} does not exist")
            return
        lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), payload)

    def role_may(self, role: str, action: str, resource: str) -> bool:
        """The role is allowed what a service does in its name; noted when it is not."""
        may = role_may(role, action, resource)
        if not may:
            self.noted.refused.append(f"{role} {action}")
        return may

    def _run(self, function: Mapping[str, Any], event: Any, request: str) -> dict[str, Any]:
        config = function.get("config") or function
        layers = [lambda_svc._resolve_layer_zip(each) for each in config.get("Layers", ())]
        image = Image(
            name=config["FunctionName"],
            arn=config["FunctionArn"],
            handler=config["Handler"],
            memory_mb=int(config.get("MemorySize", 128)),
            timeout_s=int(config.get("Timeout", 3)),
            code=function["code_zip"],
            layers=tuple(layer for layer in layers if layer),
            variables={**lambda_svc._runtime_env_vars(config), **lambda_runtime.execution_credentials(config)},
        )
        outcome = self.sandboxes.run(image, event, request)
        self.account.count_run(image.name, failed=outcome.error)
        result: dict[str, Any] = {"body": outcome.body, "log": "\n".join(outcome.lines)}
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{image.name}"
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
        if not self.role_may(config["Role"], "logs:PutLogEvents", f"{arn}:log-stream:rig"):
            result["log"] = ""  # As in AWS: the function runs, and its log is nowhere.
        return {**result, "error": True} if outcome.error else result

    def _hand_over(self, route: Any) -> Any:
        def hand_over(target: str, function: str, event: Any, result: Mapping[str, Any]) -> None:
            config = lambda_svc._functions[function]["config"]
            if self.role_may(config["Role"], "sqs:SendMessage", target):
                route(target, function, event, result)

        return hand_over
