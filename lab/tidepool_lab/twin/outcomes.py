"""What became of every request, by model and minute of first arrival; and from that the figures (bench-rules 6)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidepool_lab.twin.figures import Figures, ModelFigures
from tidepool_lab.twin.spec import Kind, ModelSpec

Counts = npt.NDArray[np.int64]

FATES = ("arrived", "started", "on_time", "timed_out", "lost", "rejected_once")


class Outcomes:
    """Six tables [minutes of the run, models]. A request stands in the row of the minute it first arrived in."""

    def __init__(self, models: tuple[ModelSpec, ...], start_s: int) -> None:
        self.models = models
        self.start_s = start_s
        self._tables = np.zeros((len(FATES), 512, len(models)), dtype=np.int64)
        self._name()

    def _name(self) -> None:
        self.arrived, self.started, self.on_time, self.timed_out, self.lost, self.rejected_once = self._tables

    def row(self, first_s: int) -> int:
        """The row of a request that first arrived at `first_s`; the tables reach that far."""
        row = (first_s - self.start_s) // 60
        if row >= self._tables.shape[1]:
            self._tables = np.concatenate([self._tables, np.zeros_like(self._tables)], axis=1)
            self._name()
        return row

    def total(self, fate: str) -> Counts:
        """[models]: over the whole run."""
        return np.asarray(self._tables[FATES.index(fate)].sum(axis=0), dtype=np.int64)

    def between(self, from_s: int, to_s: int) -> Counts:
        """[fates, models]: requests that arrived inside [from_s, to_s), whole minutes."""
        low, high = (max(0, (t - self.start_s) // 60) for t in (from_s, to_s))
        return np.asarray(self._tables[:, low:high].sum(axis=1), dtype=np.int64)

    def figures(
        self,
        from_s: int,
        to_s: int,
        *,
        cost_usd: float,
        copy_changes: int,
        instance_changes: int,
        moves: int,
    ) -> Figures:
        """The row of the table for the window [from_s, to_s)."""
        sums = dict(zip(FATES, self.between(from_s, to_s), strict=True))
        arrived, on_time = sums["arrived"], sums["on_time"]
        some = arrived > 0
        shares = np.divide(on_time, arrived, out=np.zeros(len(arrived)), where=some)
        meets = np.array([model.attainment for model in self.models]) <= shares
        of_kind = {kind: np.array([m.kind is kind for m in self.models], dtype=bool) for kind in Kind}
        return Figures(
            cost_usd=cost_usd,
            on_time=_share(on_time, arrived),
            on_time_interactive=_share(on_time, arrived, of_kind[Kind.INTERACTIVE]),
            on_time_batch=_share(on_time, arrived, of_kind[Kind.BATCH]),
            on_time_mean_model=float(shares[some].mean()) if some.any() else None,
            models_meeting_objective=float(meets[some].mean()) if some.any() else None,
            no_capacity_share=_share(sums["rejected_once"], arrived),
            copy_changes=copy_changes,
            instance_changes=instance_changes,
            moves=moves,
            requests=int(arrived.sum()),
            models=tuple(
                ModelFigures(
                    name=model.name,
                    **{fate: int(sums[fate][i]) for fate in FATES},
                    waiting=int(arrived[i] - sums["started"][i] - sums["timed_out"][i] - sums["lost"][i]),
                    met_objective=bool(meets[i]) if some[i] else None,
                )
                for i, model in enumerate(self.models)
            ),
        )


def _share(part: Counts, whole: Counts, mask: npt.NDArray[np.bool_] | None = None) -> float | None:
    if mask is not None:
        part, whole = part[mask], whole[mask]
    total = int(whole.sum())
    return int(part.sum()) / total if total else None
