"""The bench's result as a table of plain text, with what it stands on."""

from __future__ import annotations

from collections.abc import Sequence

from tidepool.units import usd
from tidepool_lab.bench.case import Options
from tidepool_lab.bench.equal import worse_figures
from tidepool_lab.bench.result import BenchResult, PolicyResult

HEADINGS = (
    "policy",
    "cost",
    "of native",
    "of floor",
    "on time",
    "interactive",
    "batch",
    "mean model",
    "meeting",
    "no capacity",
    "copies",
    "instances",
    "moves",
    "decide ms",
)
"""'meeting': share of models that meet their objective. 'copies', 'instances': how many changes."""


def rows_of(result: BenchResult) -> list[tuple[str, ...]]:
    """The cells of every row, as text; '-' where a policy has no such figure."""
    native, floor = result.row("native"), result.row("floor")
    return [
        (
            row.name,
            usd(row.cost_usd),
            _ratio(row, native),
            _ratio(row, floor),
            *(_share(share) for share in _shares(row)),
            *(_count(count) for count in (row.copy_changes, row.instance_changes, row.moves)),
            _milliseconds(row),
        )
        for row in result.policies
    ]


def notes_of(result: BenchResult) -> list[str]:
    """What is said under the table: how tidepool compares, settings found, what the cap dropped, the hashes."""
    settings = [f"{row.name}: {row.setting}" for row in result.policies if row.setting]
    own = [
        f"{row.name}'s own AWS bill, not in its cost: {usd(row.own_cost_usd)}"
        for row in result.policies
        if row.own_cost_usd is not None
    ]
    return [
        *comparisons_of(result.policies),
        *ratios_of(result.policies),
        *settings,
        *own,
        *_options(result),
        f"{result.requests_capped:,} requests beyond the traffic cap exist for nobody",
        f"rules {result.rules} {result.sha256.rules[:12]} · trace {result.sha256.trace[:12]} · "
        f"fleet {result.sha256.fleet[:12]} · seed {result.seed}",
    ]


def comparisons_of(rows: Sequence[PolicyResult]) -> list[str]:
    """Whether tidepool is no worse on time than native and native_best (bench-rules.md §6), and its share of their
    cost; nothing where one of the two is not among the rows."""
    found = {row.name: row for row in rows}
    others = [found[name] for name in ("native", "native_best") if name in found and "tidepool" in found]
    return [_compared(found["tidepool"], other) for other in others]


def ratios_of(rows: Sequence[PolicyResult]) -> list[str]:
    """How far tidepool is from the oracle, and the oracle from the floor; what dedicated machines would cost beside
    it. A ratio whose two rows are not both there is left out."""
    found = {row.name: row for row in rows}
    pairs = (
        ("tidepool", "oracle"),
        ("oracle", "floor"),
        ("dedicated_peak", "tidepool"),
        ("dedicated_cheapest", "tidepool"),
    )
    ratios = [
        f"{above} ÷ {below} {found[above].cost_usd / found[below].cost_usd:.2f}"
        for above, below in pairs
        if above in found and below in found and found[below].cost_usd
    ]
    return [f"cost: {', '.join(ratios)}"] if ratios else []


def _options(result: BenchResult) -> list[str]:
    """What the command line changed of the fleet and its traffic."""
    asked = []
    if result.types:
        asked.append(f"types {', '.join(result.types)}")
    if result.scale != 1:
        asked.append(f"traffic × {result.scale:g}")
    if result.regain != Options().regain:
        asked.append(f"regain {result.regain}")
    if result.image_pull_s is not None:
        asked.append(f"image pull {result.image_pull_s} s")
    return [f"with {'; '.join(asked)}"] if asked else []


def _compared(row: PolicyResult, other: PolicyResult) -> str:
    worse = ", ".join(
        f"{figure} {_share(getattr(row, figure))} against {_share(getattr(other, figure))}"
        for figure in worse_figures(row, other)
    )
    verdict = f"worse on time than {other.name} ({worse})" if worse else f"no worse on time than {other.name}"
    return f"{row.name} is {verdict}, at {_ratio(row, other)} of its cost"


def title_of(result: BenchResult) -> str:
    """Which window of which trace this is, and that nothing of it happened on AWS."""
    first, last = result.from_day, result.from_day + result.days - 1
    days = f"day {first}" if first == last else f"days {first} to {last}"
    return f"{result.trace}, {days}: on the twin, not on AWS"


def plain_table(result: BenchResult) -> str:
    """Title, table and notes as plain text; the first column is aligned left, figures right."""
    return plain(title_of(result), HEADINGS, rows_of(result), notes_of(result))


def plain(title: str, headings: Sequence[str], cells: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    """A title, these cells under their headings, and notes, as plain text."""
    rows = [headings, *cells]
    widths = [max(len(row[column]) for row in rows) for column in range(len(headings))]
    lines = [
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    rule = "-" * len(lines[0])
    text = [title, "", lines[0], rule, *lines[1:], "", *notes]
    return "\n".join(line.rstrip() for line in text) + "\n"


def _shares(row: PolicyResult) -> tuple[float | None, ...]:
    return (
        row.on_time,
        row.on_time_interactive,
        row.on_time_batch,
        row.on_time_mean_model,
        row.models_meeting_objective,
        row.no_capacity_share,
    )


def _ratio(row: PolicyResult, other: PolicyResult | None) -> str:
    return "-" if other is None or not other.cost_usd else f"{row.cost_usd / other.cost_usd:.3f}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.2f} %"


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _milliseconds(row: PolicyResult) -> str:
    if row.decide_ms_p50 is None or row.decide_ms_max is None:
        return "-"
    return f"{row.decide_ms_p50:.1f} / {row.decide_ms_max:.0f}"
