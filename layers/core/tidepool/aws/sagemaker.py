"""runtime.ports.Hosting over SageMaker: few calls, every write marked with the change's id.

A configuration and a model never change under their name, so each is described once while the function stays warm.
Tags do change: they are read again every five minutes. A component that has settled is described again when its list
entry has changed, and now and then all the same (`described_kept_s`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.describe import component_of, endpoint_of, with_model, without_config
from tidepool.aws.failures import calling
from tidepool.aws.hosting_writes import HostingWrites
from tidepool.aws.probe import probe
from tidepool.errors import Denied, NotFound
from tidepool.fleet import Component, Endpoint, EndpointKind, LeftOut, Status, Target
from tidepool.runtime.ports import Answer

DESCRIBED_KEPT_S = 900
"""decide describes each settled component every 15 minutes. Ours: 66 idle models cost 4 calls a minute, not 66."""
TAGS_KEPT_S = 300
"""A new identity is seen within five minutes, and a fleet of 100 costs 20 ListTags a minute instead of 100. Ours."""


class SageMaker(HostingWrites):
    """Reads show the true state now; errors as in tidepool.errors, never an empty result."""

    def __init__(
        self,
        clients: Clients,
        *,
        stack: str,
        identity: Callable[[], str],
        clock: Callable[[], int],
        described_kept_s: int = 0,
    ) -> None:
        """described_kept_s: how long a settled component whose list entry stays the same is not described again.

        0 for who writes: a hand sees what is true now.
        """
        super().__init__(clients, stack=stack)
        self._identity, self._clock, self._described_kept_s = identity, clock, described_kept_s
        self._settled: dict[str, tuple[object, int, Mapping[str, Any]]] = {}
        self._tags_seen: dict[str, tuple[int, dict[str, str]]] = {}
        self._configs: dict[str, Mapping[str, Any]] = {}
        self._models: dict[str, Mapping[str, Any] | None] = {}
        self._foreign: dict[str, tuple[object, Endpoint]] = {}
        self._left_out: dict[str, tuple[LeftOut, ...]] = {}

    def endpoints(self) -> Mapping[str, Endpoint]:
        """Every endpoint of the account and region, by name. One that is deleted while we look is left out.

        So is one that may not be read, where others may: a policy that goes by tags must not stop everybody's
        decisions. Denied when none may: that is no empty fleet.
        """
        found: dict[str, Endpoint] = {}
        denied: list[tuple[LeftOut, Denied]] = []
        for listed in self._listed("ListEndpoints", "list_endpoints", "Endpoints"):
            name, changed = listed["EndpointName"], (listed["LastModifiedTime"], listed["EndpointStatus"])
            known = self._foreign.get(name)
            if known is not None and known[0] == changed:
                found[name] = known[1]
                continue
            try:
                endpoint = self.endpoint(name)
            except NotFound:
                continue
            except Denied as error:
                denied.append((LeftOut(name, "", str(error)), error))
                continue
            found[name] = endpoint
            if endpoint.kind is EndpointKind.OTHER and endpoint.status is Status.IN_SERVICE:
                # Nothing is ever decided about it: it is described again only when it has changed.
                self._foreign[name] = (changed, endpoint)
        self._leave_out("endpoints", found, denied)
        return found

    def components(self) -> Mapping[str, Component]:
        """Every inference component, by name; left out as endpoints are. The list has no copy counts, so each is
        described, with its Model.
        """
        found: dict[str, Component] = {}
        denied: list[tuple[LeftOut, Denied]] = []
        for listed in self._listed("ListInferenceComponents", "list_inference_components", "InferenceComponents"):
            try:
                component = self._component(self._described(listed))
            except NotFound:
                continue
            except Denied as error:
                one = LeftOut(listed["InferenceComponentName"], listed["EndpointName"], str(error))
                denied.append((one, error))
                continue
            name = component.name
            model = None if component.unmovable else self._model(component.artifact)
            found[name] = with_model(component, model, listed["InferenceComponentArn"])
        self._leave_out("components", found, denied)
        return found

    def left_out(self) -> tuple[LeftOut, ...]:
        """What endpoints() and components() left out when they last read, by kind and name."""
        return tuple(one for kind in ("endpoints", "components") for one in self._left_out.get(kind, ()))

    def _leave_out(self, kind: str, found: Mapping[str, object], denied: list[tuple[LeftOut, Denied]]) -> None:
        if denied and not found:
            raise denied[0][1]
        self._left_out[kind] = tuple(sorted((one for one, _ in denied), key=lambda one: one.name))

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint as it is now. NotFound when there is none."""
        with calling("DescribeEndpoint", name):
            described = self._sagemaker.describe_endpoint(EndpointName=name)
        try:
            config = self._config(described["EndpointConfigName"])
        except NotFound:
            return without_config(described, tags=self._tags_of(described["EndpointArn"], described["CreationTime"]))
        model = config["ProductionVariants"][0].get("ModelName")
        return endpoint_of(
            described,
            config,
            tags=self._tags_of(described["EndpointArn"], described["CreationTime"]),
            identity=self._identity(),
            model=self._model(model) if model else None,
        )

    def component(self, name: str) -> Component:
        """The component as it is now, without what only its SageMaker Model tells. NotFound when there is none."""
        return self._component(self._describe_component(name))

    def _described(self, listed: Mapping[str, Any]) -> Mapping[str, Any]:
        """What DescribeInferenceComponent says, or said of this very list entry when it had settled.

        Whether LastModifiedTime moves when a copy is lost is UNKNOWN (sagemaker-facts). If it does not, the copy counts
        until the next description: then its load per copy is taken for more demand than there is, never for less.
        """
        name, now = listed["InferenceComponentName"], self._clock()
        entry = (listed["CreationTime"], listed["LastModifiedTime"], listed["InferenceComponentStatus"])
        known = self._settled.get(name)
        if known is not None and known[0] == entry and now < known[1]:
            return known[2]
        described = self._describe_component(name)
        copies = described.get("RuntimeConfig", {})
        settled = copies.get("CurrentCopyCount") == copies.get("DesiredCopyCount")
        if settled and entry[2] == described["InferenceComponentStatus"] == Status.IN_SERVICE:
            self._settled[name] = (entry, now + self._described_kept_s, described)
        return described

    def _describe_component(self, name: str) -> Mapping[str, Any]:
        with calling("DescribeInferenceComponent", name):
            described: Mapping[str, Any] = self._sagemaker.describe_inference_component(InferenceComponentName=name)
        return described

    def _component(self, described: Mapping[str, Any]) -> Component:
        tags = self._tags_of(described["InferenceComponentArn"], described["CreationTime"])
        return component_of(described, tags=tags, identity=self._identity())

    def probe(self, target: Target, sample: str) -> Answer:
        """What one synthetic request was answered. `sample` is the s3:// address of its body, '' = an empty one."""
        return probe(self._clients, target, sample)

    def _listed(self, operation: str, method: str, key: str) -> list[dict[str, Any]]:
        with calling(operation, "*"):
            pages = self._sagemaker.get_paginator(method).paginate(PaginationConfig={"PageSize": 100})
            return [listed for page in pages for listed in page[key]]

    def _config(self, name: str) -> Mapping[str, Any]:
        if name not in self._configs:
            with calling("DescribeEndpointConfig", name):
                self._configs[name] = self._sagemaker.describe_endpoint_config(EndpointConfigName=name)
        return self._configs[name]

    def _model(self, name: str) -> Mapping[str, Any] | None:
        """DescribeModel; None where this function may not call it, or the Model was deleted under what runs it.

        Scaling needs nothing from it, moving does. None is kept as well: nobody is refused each minute.
        """
        if name not in self._models:
            try:
                with calling("DescribeModel", name):
                    self._models[name] = self._sagemaker.describe_model(ModelName=name)
            except (Denied, NotFound):
                self._models[name] = None
        return self._models[name]

    def _tags_of(self, arn: str, created: object) -> dict[str, str]:
        # With the time of creation in the key, a resource made anew under an old name has its own tags at once.
        key = f"{arn} {created}"
        until, tags = self._tags_seen.get(key, (0, {}))
        if self._clock() >= until:
            with calling("ListTags", arn):
                pages = self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
                tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
            self._tags_seen[key] = (self._clock() + TAGS_KEPT_S, tags)
        return tags
