"""What keeps Tidepool from working well in an account, and what to do about it: one function a question. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from tidepool.config.resolve import model_config, pool_of_endpoint
from tidepool.config.types import Bounds, Config, Reserved, Rung, Via
from tidepool.decision.reservations import contradicts
from tidepool.fleet import Component, Endpoint, EndpointKind, Status, named_twice
from tidepool.fleet.identity import MANAGED_TAG, managed
from tidepool.plan.render import moment
from tidepool.units import DAY_S, duration
from tidepool_cli.account.asker import Why
from tidepool_cli.account.decide import alike, unmovable
from tidepool_cli.account.found import Account, Scaler, Written

Home = Component | Endpoint
SOON_S = 14 * DAY_S
"""Notice enough to move a pool's models at one move a day, which the default limits allow. Ours."""
SILENT_S = 300
"""As the alarm decide-is-silent (template.yaml)."""
OURS = "tidepool/"
"""In the user agent of every call of ours (aws/clients.py)."""


class State(StrEnum):
    WELL = "well"
    NOTE = "note"
    """Nothing is wrong, and somebody should know."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `about` is the question; `fix` what to do, '' = nothing."""

    about: str
    state: State
    said: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """The deployed stack. `most` is the highest rung that its hands can act on; `decided_at` 0 = never."""

    name: str
    most: Rung
    decided_at: int


def checks(account: Account, config: Config, stack: Stack | None) -> tuple[Check, ...]:
    """Every answer, in the order in which a person would put things right."""
    most = Rung.RUN if stack is None else stack.most
    asked = (
        ("permissions", _permissions(account)),
        ("fleet.yaml", _fleet(account, config)),
        ("identity", _identity(account, config)),
        ("tags", _tags(account, config, most)),
        ("quotas", _quotas(account, config)),
        ("metrics", _metrics(account, config)),
        ("autoscaling", _scalers(account, config, most)),
        ("consolidation", _consolidation(account, config)),
        ("other writers", _written(account, config)),
        ("terraform", _terraform(account, config, most)),
        ("moves", _moves(account, config)),
        ("reservations", _reservations(account, config)),
        ("last tick", _tick(account, stack)),
        ("defaults", _defaults(config)),
    )
    partly = {gap.action.split(":")[0] for gap in account.gaps if gap.why is not Why.GONE}
    return tuple(check for about, found in asked for check in _or_well(about, found, partly))


Found = Iterator[tuple[State, str, str]]


READ_FROM = {
    "quotas": {"pricing", "servicequotas"},
    "metrics": {"cloudwatch"},
    "autoscaling": {"application-autoscaling"},
    "other writers": {"cloudtrail"},
}
"""IAM's names of the services that a question is asked of, beside SageMaker, of which every one about homes is."""
WHOLE = {"permissions", "last tick", "defaults"}
"""Questions whose answer hangs on no reading of the account."""


def _or_well(about: str, found: Found, partly: set[str]) -> Iterable[Check]:
    """The answers, or that all is well, as far as could be read: `partly` has the services that did not answer all."""
    answers = [Check(about, *answer) for answer in found]
    if answers:
        return answers
    seen = about in WHOLE or not partly & ({"sagemaker"} | READ_FROM.get(about, set()))
    return [Check(about, State.WELL, "nothing to do" if seen else "nothing to do in what could be read")]


def rung_of(home: Home, config: Config, most: Rung) -> Rung:
    """The lowest of the stack's hands, the pool's and the model's; WATCH for whom fleet.yaml does not name."""
    model = model_config(config, home.model)
    if isinstance(home, Component):
        pool = pool_of_endpoint(config, home.endpoint)
        return min(model.act, pool.act, most) if pool else Rung.WATCH
    return min(model.act, most)


def _permissions(account: Account) -> Found:
    for gap in account.gaps:
        of = f" of {gap.target}" if gap.target else ""
        match gap.why:
            case Why.DENIED:
                yield State.WRONG, f"{gap.action}{of} is denied", "grant it: docs/read-only-policy.json has every call"
            case Why.LEFT:
                yield State.WRONG, f"{gap.action}{of} was not asked: the calls are used up", "allow more by --calls"
            case Why.THROTTLED:
                yield State.WRONG, f"{gap.action}{of} was throttled", "run it again with a lower --rate"
            case Why.GONE:
                yield (
                    State.NOTE,
                    f"{gap.target} is not there any more ({gap.action})",
                    "look again; it may be half deleted",
                )
            case Why.FAILED:
                yield State.WRONG, f"{gap.action}{of} failed: {gap.said}", "run it again"


def _fleet(account: Account, config: Config) -> Found:
    for pool in config.pools.values():
        endpoint = account.endpoints.get(pool.endpoint)
        if endpoint is None and (account.unread is None or pool.endpoint in account.unread):
            said = f"pool {pool.name}: {pool.endpoint} could not be read, so nothing is known of it"
            yield State.WRONG, said, "see under permissions why"
        elif endpoint is None:
            yield (
                State.WRONG,
                f"pool {pool.name}: there is no endpoint {pool.endpoint}",
                "correct `endpoint`, or make it",
            )
        elif endpoint.kind is not EndpointKind.POOL:
            yield State.WRONG, f"pool {pool.name}: {pool.endpoint} hosts a model of its own", "take it out of `pools`"
        elif pool.types and pool.types != (runs := (endpoint.instance_type, *endpoint.other_types)):
            said = f"pool {pool.name}: `types` says {', '.join(pool.types)}, and {pool.endpoint} has {', '.join(runs)}"
            yield State.WRONG, said, "correct `types`, or the InstancePools of its endpoint config; their order counts"
    for endpoint in account.pools:
        if pool_of_endpoint(config, endpoint.name) is None:
            yield State.NOTE, f"{endpoint.name} hosts components and is no pool: left alone", "write it under `pools`"
    if account.region != config.region and config.region:
        yield State.WRONG, f"fleet.yaml is of {config.region}, this is {account.region}", "name the right --region"


def _identity(account: Account, config: Config) -> Found:
    nameless = [home.name for home in account.homes if not home.model]
    if nameless:
        fix = f"tag each with {config.identity.removeprefix('tag:')} = its model"
        yield State.NOTE, f"without the tag of `identity`, so never touched: {_some(nameless)}", fix
    twice = named_twice(
        {e.name: e for e in account.dedicated if _ours(e, config)},
        {c.name: c for c in account.components.values() if _ours(c, config)},
    )
    if twice:
        said = f"a component and a dedicated endpoint have one name, so both are left alone: {_some(twice)}"
        yield State.WRONG, said, "make one of the two anew by another name"
    if config.identity == "name":
        for stem, names in alike(home.name for home in account.homes).items():
            said = f"{_some(names)} look like versions of {stem}, and count as models of their own"
            yield State.NOTE, said, "give them one tag, and write `identity: tag:KEY`"


def _tags(account: Account, config: Config, most: Rung) -> Found:
    bare = [h.name for h in account.homes if rung_of(h, config, most) > Rung.WATCH and not managed(h.tags)]
    if bare:
        fix = f"tag each with {MANAGED_TAG} = true; until then AWS denies every write"
        yield State.WRONG, f"may be written by fleet.yaml, and is not handed over: {_some(bare)}", fix


def _quotas(account: Account, config: Config) -> Found:
    for name in sorted({e.instance_type for e in account.endpoints.values() if e.instance_type}):
        said, read = config.instances.get(name), account.types.get(name)
        quota = said.quota if said is not None and said.quota is not None else (read.quota if read else None)
        if quota is None:
            fix = f"write `instances: {{{name}: {{accelerators: …, usd_per_hour: …, quota: …}}}}`"
            yield State.WRONG, f"{name}: price, accelerators or quota could not be read", fix
            continue
        here = [max(e.instances_now, e.instances_wanted) for e in account.endpoints.values() if e.instance_type == name]
        used, fix = sum(here), f"ask Service Quotas for more of `{name} for endpoint usage`"
        if used >= quota:
            yield State.WRONG, f"{name}: all {quota} are in use, so nothing can grow", fix
        elif used + max(here) > quota:
            said_of = (
                f"{name}: {used} of {quota} in use; an update that rebuilds the largest endpoint needs {max(here)}"
            )
            yield State.NOTE, f"{said_of} more", fix


def _metrics(account: Account, config: Config) -> Found:
    if account.seen is None:
        return
    silent = [
        home.name
        for home in account.homes
        if home.name not in account.seen and home.status is Status.IN_SERVICE and _awake(home) and _ours(home, config)
    ]
    if silent:
        fix = "look whether CloudWatch has GPUUtilization of it; a container without an accelerator has none"
        yield State.WRONG, f"no datapoint in 15 minutes, so that nothing is decided about it: {_some(silent)}", fix


def _scalers(account: Account, config: Config, most: Rung) -> Found:
    homes = {home.name: home for home in account.homes}
    for scaler in account.scalers:
        home = homes.get(scaler.home)
        if home is None or scaler.suspended or not _ours(home, config):
            continue
        what = f"Application Auto Scaling keeps {scaler.home} between {scaler.minimum} and {scaler.maximum}"
        floor, mode = model_config(config, home.model).min_copies, config.writers.autoscaling
        if isinstance(home, Component) and scaler.maximum < floor:
            fix = f"raise its maximum, or {suspend(scaler)}"
            yield State.WRONG, f"{what}, below min_copies {floor} of {home.model}", fix
        elif mode == "yield" or rung_of(home, config, most) is Rung.WATCH:
            fix = f"`writers.autoscaling: floor` or `adopt`, or {suspend(scaler)}"
            yield State.NOTE, f"{what}, so Tidepool leaves its count alone", fix
        else:
            does = "sets its minimum" if mode == "floor" else "suspends it"
            yield State.NOTE, f"{what}; Tidepool {does} ({mode}), and hands it back as it was found", ""


def suspend(scaler: Scaler) -> str:
    """The command that pauses a target, and loses nothing of it."""
    pauses = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
    return (
        "aws application-autoscaling register-scalable-target --service-namespace sagemaker "
        f"--resource-id {scaler.resource} --scalable-dimension {scaler.dimension} "
        f"--suspended-state {','.join(f'{pause}=true' for pause in pauses)}"
    )


def _consolidation(account: Account, config: Config) -> Found:
    for endpoint in account.pools:
        if endpoint.scale_in == "CONSOLIDATION" and pool_of_endpoint(config, endpoint.name):
            fix = "set ScaleInPolicy.Strategy to IDLE_RELEASE, if its copies must not be moved by day"
            yield State.NOTE, f"{endpoint.name}: SageMaker moves copies by itself onto fewer machines", fix


def _written(account: Account, config: Config) -> Found:
    homes = {*account.endpoints, *account.components}
    by_whom: dict[str, list[Written]] = {}
    for one in account.written:
        if OURS not in one.agent and one.resource in homes:
            by_whom.setdefault(one.who, []).append(one)
    for who, writes in sorted(by_whom.items()):
        if any(who in principal for principal in config.writers.deploy_principals):
            continue
        newest = max(writes, key=lambda one: one.at)
        tool = " by Terraform" if any("terraform" in one.agent.lower() for one in writes) else ""
        when = duration(max(0, account.at - newest.at))
        said = f"{who} wrote {len(writes)} times{tool}: {_some([one.resource for one in writes])}, last {when} ago"
        yield State.NOTE, said, "a pipeline belongs under `writers.deploys.principals`; a person may hold the model"


def _terraform(account: Account, config: Config, most: Rung) -> Found:
    """What Tidepool may write, as the attributes that Terraform would write back."""
    copies = [h.name for h in account.components.values() if rung_of(h, config, most) > Rung.WATCH]
    if copies:
        said = f"an apply sets the copies of {_some(copies)} back"
        yield State.NOTE, said, IGNORE.format(resource="awscc_sagemaker_inference_component", what="runtime_config")
    bounded = [
        pool.endpoint
        for pool in config.pools.values()
        if pool.bounds is Bounds.WRITE and min(pool.act, config.act, most) >= Rung.SIZE
    ]
    if bounded:
        said = f"an apply sets the bounds of {_some(bounded)} back"
        yield State.NOTE, said, IGNORE.format(resource="aws_sagemaker_endpoint", what="endpoint_config_name")
    sized = [e.name for e in account.dedicated if rung_of(e, config, most) >= Rung.SIZE]
    if sized:
        said = f"an apply that changes the config of {_some(sized)} starts again from initial_instance_count"
        config_of = "aws_sagemaker_endpoint_configuration"
        fix = IGNORE.format(resource=config_of, what="production_variants[0].initial_instance_count")
        yield State.NOTE, said, f"{fix}, and set it to what runs before an apply that changes the config"


IGNORE = 'in `resource "{resource}"`: lifecycle {{ ignore_changes = [{what}] }}'


def _moves(account: Account, config: Config) -> Found:
    for name, why in unmovable(account):
        yield State.NOTE, f"{name} cannot move: {why}", "it stays where it is; scaling goes on"
    models = {home.model for home in account.homes if home.model}
    unrouted = sorted(model for model in models if model_config(config, model).route.via is Via.NONE)
    if unrouted:
        said = f"without a route, so moves are only recommended: {_some(unrouted)}"
        yield State.NOTE, said, "docs/routes.md has the ways in which callers can follow"


def _reservations(account: Account, config: Config) -> Found:
    for one in account.reservations:
        pool = pool_of_endpoint(config, one.endpoint)
        written = pool.reserved if pool else None
        what = f"{one.endpoint}: {one.name}"
        if not one.ends:
            yield State.NOTE, f"{what}: its end could not be read", "write `reserved: {instances, until}` at the pool"
            continue
        ends = f"{what} ends {datetime.fromtimestamp(one.ends, UTC):%Y-%m-%d}, and then it stops serving"
        if written is not None and contradicts(written, Reserved(one.instances, one.ends)):
            says = f"{what} is {one.instances} until {moment(one.ends)}, and fleet.yaml says otherwise: its word counts"
            yield State.WRONG, says, "correct `reserved` at the pool, or delete it"
        stay = sorted(f"{model} ({why})" for model, why in _staying(account, config, one.endpoint))
        if stay and one.ends - account.at < SOON_S:
            yield State.WRONG, f"{ends}; cannot leave it: {_some(stay)}", "move them by hand, or extend the plan"
        elif pool is None:
            yield State.NOTE, ends, "declare it as a pool, or update it to a config without one before that"
        else:
            to = written.then if written is not None and written.then else "where they cost least"
            yield State.NOTE, f"{ends}; its models go to {to} before", ""


def _staying(account: Account, config: Config, endpoint: str) -> Iterable[tuple[str, str]]:
    """The models there that no move takes away, and why."""
    fixed = dict(unmovable(account))
    for home in account.homes:
        if home.model and endpoint in (home.name, getattr(home, "endpoint", "")):
            routed = model_config(config, home.model).route.via is not Via.NONE
            why = fixed.get(home.name) or fixed.get(endpoint) or ("" if routed else "its callers follow no route")
            if why:
                yield home.model, why


def _tick(account: Account, stack: Stack | None) -> Found:
    if stack is None:
        yield (
            State.NOTE,
            "there is no such stack: nothing decides",
            "deploy one, or name it by --stack",
        )
    elif not stack.decided_at:
        yield State.WRONG, f"stack {stack.name} has never decided", "upload a fleet.yaml; else look at decide's log"
    elif account.at - stack.decided_at > SILENT_S:
        ago = duration(account.at - stack.decided_at)
        yield State.WRONG, f"stack {stack.name} decided {ago} ago", "look at decide's log and its schedule's state"
    else:
        ago = duration(max(0, account.at - stack.decided_at))
        yield State.WELL, f"stack {stack.name} decided {ago} ago", ""


def _defaults(config: Config) -> Found:
    if not (config.safety.freeze_alarms or config.safety.freeze_calendars):
        yield State.NOTE, "`safety.freeze` is not set: nothing holds the fleet by itself", "name alarms or calendars"
    if not config.safety.move_hours:
        yield (
            State.NOTE,
            "`safety.move_hours` is not set: a move may begin at any hour",
            'for instance "Mon-Thu 20:00-05:00"',
        )
    if config.money.budget_usd_per_hour is None:
        yield (
            State.NOTE,
            "`money.budget_usd_per_hour` is not set: only quotas bound the bill",
            "write the most to spend",
        )


def _ours(home: Home, config: Config) -> bool:
    """fleet.yaml speaks of it: as decide sees the fleet (runtime/observe.py)."""
    if isinstance(home, Component):
        return pool_of_endpoint(config, home.endpoint) is not None
    return bool(home.model and model_config(config, home.model).matched)


def _awake(home: Home) -> bool:
    return home.copies_now > 0 if isinstance(home, Component) else home.instances_now > 0


def _some(names: Iterable[str], most: int = 6) -> str:
    """The first names, and how many more."""
    each = list(dict.fromkeys(names))
    return ", ".join(each[:most]) + (f" and {len(each) - most} more" if len(each) > most else "")
