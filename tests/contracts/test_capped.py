"""What the stack was deployed with is the highest rung for everything in fleet.yaml."""

from __future__ import annotations

import pytest

from builders import a_config, a_model
from tidepool.aws.environment import Hands
from tidepool.config.capped import capped
from tidepool.config.types import Rung


@pytest.mark.parametrize(
    ("hands", "most"),
    [(Hands.NONE, Rung.WATCH), (Hands.COPIES, Rung.SCALE), (Hands.INSTANCES, Rung.SIZE), (Hands.MOVES, Rung.RUN)],
)
def test_no_rung_is_above_what_the_hands_can_do(hands: Hands, most: Rung) -> None:
    config = a_config(a_model("a"), a_model("b", act=Rung.RAISE), globs=(("c*", a_model("c*")),))
    under = capped(config, hands.rung)
    rungs = [under.act, *(pool.act for pool in under.pools.values()), under.names["a"].act, under.globs[0][1].act]
    assert set(rungs) == {most}
    assert under.names["b"].act == min(Rung.RAISE, most), "a lower rung stays"
    assert under.unmatched.act is Rung.WATCH


def test_with_every_hand_the_file_is_as_it_is_written() -> None:
    config = a_config()
    assert capped(config, Rung.RUN) is config
