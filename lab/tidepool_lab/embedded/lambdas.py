"""The functions as Lambda runs them: each in modules of its own, with its own environment, its output caught."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tidepool_lab.embedded.stack import Function

OWN = ("tidepool.wiring", "tidepool.aws")  # No other module's name begins like these.
"""Modules that remember a process's environment or clients. Each function gets its own copies; the pure core is
shared, since six imports of numpy would only cost time."""

FOREIGN = ("TIDEPOOL_", "POWERTOOLS_", "AWS_LAMBDA_")
"""What of the developer's environment a function must not see."""


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda hands to a handler beside the event."""

    function_name: str
    memory_limit_in_mb: int
    invoked_function_arn: str
    aws_request_id: str
    timeout_ms: int
    log_group_name: str = ""
    log_stream_name: str = "twin"
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """The whole timeout: simulated time stands still while a handler runs."""
        return self.timeout_ms


class Tap(io.TextIOBase):
    """The functions' standard output, line by line, with the function that runs.

    One object for all of them and for ever: a logger keeps the stream it was made with, and loggers of one name
    are one logger in a process.
    """

    def __init__(self) -> None:
        self.sink: Callable[[str, str], None] = _nowhere
        self.running = ""
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self.sink(self.running, line)
        return len(text)


def _nowhere(function: str, line: str) -> None:
    """No rig listens."""


TAP = Tap()
"""Loggers outlive a rig, as they outlive a request in Lambda; so does the stream they write to."""


class Host:
    """One function, warm after its first invocation."""

    def __init__(self, function: Function, *, region: str) -> None:
        self.function = function
        self.invocations = 0
        self._environment = {
            **function.environment,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        }
        self._modules: dict[str, ModuleType] = {}
        self._handler: Callable[[Any, Context], Any] | None = None

    def invoke(self, event: Any) -> Any:
        """What the handler returned; whatever it raised goes through. The process is as it was, afterwards."""
        self.invocations += 1
        context = Context(
            function_name=self.function.name,
            memory_limit_in_mb=self.function.memory_mb,
            invoked_function_arn=self.function.arn,
            aws_request_id=f"00000000-0000-0000-0000-{self.invocations:012d}",
            timeout_ms=self.function.timeout_s * 1000,
        )
        with self._inside():
            if self._handler is None:
                self._handler = self._load()
            return self._handler(event, context)

    def _load(self) -> Callable[[Any, Context], Any]:
        module_name, _, attribute = self.function.handler.rpartition(".")
        path = self.function.code / f"{module_name.replace('.', '/')}.py"
        spec = importlib.util.spec_from_file_location(f"_function_{self.function.logical}", path)
        if spec is None or spec.loader is None or not path.exists():
            raise FileNotFoundError(f"{self.function.logical}: no handler at {path}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        handler = getattr(module, attribute)
        assert callable(handler)
        return handler  # type: ignore[no-any-return]

    @contextmanager
    def _inside(self) -> Iterator[None]:
        with environment(self._environment), self._own_modules():
            out, path = sys.stdout, list(sys.path)
            sys.stdout = TAP
            TAP.running = self.function.logical
            sys.path.insert(0, str(self.function.code))
            try:
                yield
            finally:
                sys.stdout, sys.path[:] = out, path
                TAP.running = ""

    @contextmanager
    def _own_modules(self) -> Iterator[None]:
        outside = _take_out()
        _put_in(self._modules)
        try:
            yield
        finally:
            self._modules = _take_out()
            _put_in(outside)


def _take_out() -> dict[str, ModuleType]:
    """The modules of OWN leave the process; returned, to be put back."""
    taken = {name: sys.modules.pop(name) for name in [n for n in sys.modules if n.startswith(OWN)]}
    for own in OWN:
        parent, _, child = own.rpartition(".")
        # `from tidepool import wiring` reads the package's attribute before it looks at sys.modules.
        vars(sys.modules[parent]).pop(child, None) if parent in sys.modules else None
    return taken


def _put_in(modules: Mapping[str, ModuleType]) -> None:
    sys.modules.update(modules)
    for own in OWN:
        parent, _, child = own.rpartition(".")
        if own in modules:
            setattr(sys.modules[parent], child, modules[own])


@contextmanager
def environment(given: Mapping[str, str]) -> Iterator[None]:
    """os.environ is a function's: what is given, and nothing of ours from outside."""
    foreign = [name for name in os.environ if name.startswith(FOREIGN)]
    before = {name: os.environ.get(name) for name in {*foreign, *given}}
    _set({**dict.fromkeys(foreign), **given})
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    """Every variable has that value; None = it is not there."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
