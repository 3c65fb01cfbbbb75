"""`tidepool pool scaffold`: a pool as CloudFormation or Terraform, for the team's own repository."""

from __future__ import annotations

import click

from tidepool_cli.output import exits_with_problems


@click.group()
def command() -> None:
    """Pools: shared endpoints that host many models. People declare them; Tidepool never makes one.

    \b
    Examples:
      tidepool pool scaffold shared-p5en --instance-type ml.p5en.48xlarge --format terraform
    """


@command.command()
@click.argument("name")
@click.option("--instance-type", required=True, metavar="TYPE", help="Such as ml.p4d.24xlarge.")
@click.option("--count", default=1, show_default=True, help="Instances to begin with.")
@click.option("--max", "most", type=int, help="The most that SageMaker may scale to.  [default: 4, or --count]")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Beside tidepool:managed; may be repeated.")
@click.option("--format", "form", required=True, type=click.Choice(["cloudformation", "terraform"]))
@exits_with_problems
def scaffold(name: str, instance_type: str, count: int, most: int | None, tags: tuple[str, ...], form: str) -> None:
    """Print the infrastructure code of a pool: endpoint, config, managed instance scaling, routing and tags.

    Nothing is created. The code stays in your repository; then declare the pool in fleet.yaml.

    \b
    Examples:
      tidepool pool scaffold shared-p5en --instance-type ml.p5en.48xlarge --format terraform
      tidepool pool scaffold shared-l40s --instance-type ml.g6e.12xlarge --count 2 --max 6 --format cloudformation
    """
    from tidepool_cli.scaffold import checked, cloudformation, terraform

    pool = checked(name, instance_type, count=count, most=most, tags=tags)
    click.echo(cloudformation(pool) if form == "cloudformation" else terraform(pool), nl=False)
