"""Units and names of time, money and shares. Every time in the core is whole seconds since 1970 UTC."""

from typing import NewType

Seconds = NewType("Seconds", int)

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400
WEEK_S = 7 * DAY_S

FLOAT_DIGITS = 9
"""Floats that cross a stage border keep this many significant digits, so that arm64 and x86 agree."""


def rounded(value: float) -> float:
    """The float that every machine prints alike: FLOAT_DIGITS significant digits."""
    return float(f"{value:.{FLOAT_DIGITS}g}")


def percent(share: float) -> str:
    """A share of 0 to 1 as people read it: 0.995 → '99.5 %'."""
    return f"{share * 100:.4g} %"


def duration(seconds: float) -> str:
    """Seconds as people read them: 45 → '45s', 600 → '10m', 5400 → '1.5h', 172800 → '2d'."""
    for size, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "m")):
        if seconds >= size:
            return f"{seconds / size:.3g}{unit}"
    return f"{seconds:.3g}s"


def usd(amount: float) -> str:
    """Dollars as people read them: 1234.5 → '$1,234.50', and no cents from 10,000 up."""
    return f"${amount:,.0f}" if abs(amount) >= 10_000 else f"${amount:,.2f}"
