"""`tidepool attach`: a new model's first home on a pool, asked of the stack by an event on its bus."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from tidepool_cli.asking import person_options, stack_options
from tidepool_cli.output import WRONG, bad_option, exits_with_problems, write_json


@click.command()
@click.argument("model")
@click.option("--pool", required=True, metavar="POOL", help="A pool of fleet.yaml.")
@click.option("--model", "name", metavar="NAME", help="The SageMaker Model to run.")
@click.option(
    "--model-package", "package", metavar="ARN", help="Or the model package that a SageMaker Model is made of."
)
@click.option("--copies", type=click.IntRange(1), help="To begin with; the model's floor.")
@click.option("--memory-mb", type=click.IntRange(1), help="Host memory to reserve for a copy; its shape's, else 1024.")
@click.option("--dry-run", is_flag=True, help="Print the CreateInferenceComponent request; ask nothing.")
@person_options
@stack_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    model: str,
    pool: str,
    name: str | None,
    package: str | None,
    copies: int | None,
    memory_mb: int | None,
    dry_run: bool,
    why: str | None,
    who: str | None,
    stack: str,
    region: str | None,
    json_file: Path | None,
) -> None:
    """Give MODEL, which lives nowhere yet, its first home: a component on a shared endpoint.

    Its accelerators come from fleet.yaml's shape for the pool's type. The stack's hand creates the component,
    asks it the team's sample, and then writes its route; what fails is taken away again. With --dry-run: the
    exact request, or every reason against it.

    \b
    Examples:
      tidepool attach summaries --pool p4d --model summaries-v1 --dry-run
      tidepool attach summaries --pool p4d --model summaries-v1 --copies 2 --why CHG-4715

    Exit codes: 0 it would begin, or was asked for; 1 it may not begin, nothing was asked.
    """
    from tidepool.plan.change import change_id
    from tidepool.runtime.attach import Wanted, begin_attach
    from tidepool_cli.packages import model_of
    from tidepool_cli.stack import asking, clock, deployed

    if (name is None) == (package is None):
        hint = "a component runs a SageMaker Model; --model-package finds the one made of that package"
        raise bad_option("--model, --model-package", name or package, allowed="exactly one of them", hint=hint)
    account = deployed(stack, region)
    who, why = ("you", "a dry run") if dry_run else asking(account, who, why)
    sagemaker_model = model_of(account, name=name, package=package, pool=pool)
    now = clock()
    identity = change_id(now, "attach", model, pool)
    wanted = Wanted(identity, model, pool, sagemaker_model, who, why, memory_mb or 0, copies or 0)
    attach = begin_attach(account.rehearsal, wanted, now)
    reasons = attach.why.split("; ") if attach.phase.ended else []
    request = account.sagemaker.component_request(attach.new, change=attach.id)
    asked = not reasons and not dry_run
    if asked:
        account.send("tidepool.attach", "attach", asdict(wanted))
    write_json(json_file, {"attach": attach.id, "request": request, "reasons": reasons, "asked": asked})
    if str(json_file) != "-":
        click.echo(json.dumps(request, indent=2))
        if reasons:
            click.echo("It may not begin; nothing was asked:")
        elif dry_run:
            click.echo("This is what CreateInferenceComponent would be asked; the route follows once it answers.")
        else:
            click.echo(f"Asked for as attach {attach.id}. `tidepool moves --stack {stack}` shows how it goes.")
        for reason in reasons:
            click.echo(f"  {reason}")
    if reasons:
        raise SystemExit(WRONG)
