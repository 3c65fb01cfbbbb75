"""UpdateEndpoint with other bounds: in place, or a rebuild of the whole fleet. AWS: UNKNOWN, so both run."""

from __future__ import annotations

from tidepool.fleet import Status
from tidepool_lab.twin.lifecycle import Lifecycle
from tidepool_lab.twin.spec import BoundsUpdate
from tidepool_lab.twin.state import EndpointState, Instance

REVERTED = "The update failed and the endpoint was rolled back to its previous endpoint configuration."


def update_bounds(
    life: Lifecycle, endpoint: EndpointState, *, config_name: str, minimum: int, maximum: int, scale_in: str
) -> None:
    """The endpoint is Updating. Later it is InService on the new config, or (a fault, or no quota for a rebuild)
    InService on the **old** one (MEAS): whoever asked has to compare EndpointConfigName."""
    faults = life.machines.faults
    times = life.spec.times
    life.set_status(endpoint, Status.UPDATING)
    endpoint.failure = ""
    reverts = faults.strikes(faults.update_reverts)
    successors: list[Instance] = []
    settle_s: float = times.bounds_update_s
    if life.spec.bounds_update is BoundsUpdate.REBUILD and not reverts:
        endpoint.update_blocks = True
        old = list(endpoint.instances)
        # Where the next machine of the type has to be waited for, there is none for a rebuild.
        outage = faults.out_of(endpoint.type.name, life.agenda.now_s) or life.machines.waits(endpoint.type.name)
        reverts = outage or life.machines.quota_left(endpoint.type.name) < len(old)
        if not reverts:
            successors = [life.machines.launch(endpoint, life.agenda.now_s) for _ in old]
            for instance in successors:
                instance.given_up = True  # nothing new is placed on it before the change-over
            start_s = max((c.component.start_s for i in old for c in i.copies), default=0.0)
            settle_s = times.instance_launch_s + start_s if old else times.bounds_update_s

    def done() -> None:
        endpoint.update_blocks = False
        if reverts:
            endpoint.failure = REVERTED
        else:
            _change_over(life, endpoint, successors)
            endpoint.config_name = config_name
            endpoint.minimum, endpoint.maximum, endpoint.scale_in = minimum, maximum, scale_in
        life.set_status(endpoint, Status.IN_SERVICE)
        life.keep_bounds(endpoint)
        if scale_in == "CONSOLIDATION" and not endpoint.consolidation_due:
            life.consider_consolidation(endpoint)

    life.agenda.at(life.agenda.now_s + settle_s, done)


def _change_over(life: Lifecycle, endpoint: EndpointState, successors: list[Instance]) -> None:
    """Each successor takes over one old instance's copies; the old one is released. Serving never stops.

    Both were billed meanwhile: that is what a rebuild costs.
    """
    old = [instance for instance in endpoint.instances if instance not in successors]
    for before, after in zip(old, successors, strict=False):
        for instance in (before, after):
            life.machines.on_change(instance)
        after.given_up = False
        after.copies, after.room, after.empty_since = before.copies, before.room, None
        for copy in after.copies:
            copy.instance = after
        before.copies = []
        life.machines.release(before, life.agenda.now_s, replaced=True)
        if not after.copies:
            life.empty(after)
    # An old instance that went by itself meanwhile leaves a successor nobody needs.
    for spare in successors[len(old) :]:
        life.machines.release(spare, life.agenda.now_s)
