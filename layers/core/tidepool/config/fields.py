"""The kinds of value that fleet.yaml holds, each with what is allowed, for pydantic and for the JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from tidepool.config import notation
from tidepool.config.secret_patterns import looks_secret
from tidepool.config.types import Rung, Window

T = TypeVar("T")


def refuse(allowed: str, hint: str = "", *, hidden: bool = False) -> NoReturn:
    """Ends a validation with what would be allowed; problems.py turns it into a Problem."""
    raise PydanticCustomError("tidepool", "allowed: {allowed}", {"allowed": allowed, "hint": hint, "hidden": hidden})


def nearest(value: object, words: Iterable[str]) -> str:
    """'did you mean …?' for the closest of the words, or '' when none is close."""
    close = get_close_matches(str(value), sorted(words), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""


def _written(
    parse: Callable[[str], T | None], allowed: str, *, hint: Callable[[object], str] = lambda _: ""
) -> BeforeValidator:
    def validate(value: object) -> T:
        parsed = parse(value) if isinstance(value, str) else None
        if parsed is None:
            refuse(allowed, hint(value))
        return parsed

    return BeforeValidator(validate)


def _between(parse: Callable[[str], float | None], low: float, high: float) -> Callable[[str], float | None]:
    def parsed(text: str) -> float | None:
        value = parse(text)
        return value if value is not None and low <= value <= high else None

    return parsed


def _whole(parse: Callable[[str], float | None]) -> Callable[[str], int | None]:
    def parsed(text: str) -> int | None:
        value = parse(text)
        return int(value) if value is not None and value == int(value) else None

    return parsed


def _unit_hint(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"write the unit: {value}s, {value}m, {value}h or {value}d"
    return ""


def _percent_hint(value: object) -> str:
    if isinstance(value, float) and 0 < value < 1:
        return f"write {value * 100:.6g}%"
    return f"write {value}%" if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def _factor_hint(value: object) -> str:
    return f"write {value}x" if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def _text_schema(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


def text_like(pattern: str, allowed: str) -> Any:
    """Text that a pattern matches as a whole; `allowed` says the pattern in words."""
    whole = re.compile(pattern)
    check = _written(lambda text: text if whole.fullmatch(text) else None, allowed)
    return Annotated[str, check, WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})]


def duration(low_s: float, high_s: float, allowed: str) -> Any:
    """Whole seconds between two limits, written with a unit."""
    parse = _whole(_between(notation.duration_s, low_s, high_s))
    check = _written(parse, allowed, hint=_unit_hint)
    return Annotated[int, check, _text_schema(notation.DURATION_PATTERN, "90s", "45m", "6h", "30d")]


def exact_duration(low_s: float, high_s: float, allowed: str) -> Any:
    """Seconds between two limits, fractions allowed, written with a unit."""
    check = _written(_between(notation.duration_s, low_s, high_s), allowed, hint=_unit_hint)
    return Annotated[float, check, _text_schema(notation.DURATION_PATTERN, "2s", "11.9s", "10m")]


def share(low: float, high: float, allowed: str) -> Any:
    """A share of 0 to 1, written as a percentage."""
    check = _written(_between(notation.share, low, high), allowed, hint=_percent_hint)
    return Annotated[float, check, _text_schema(notation.SHARE_PATTERN, "20%", "99.9%")]


def _window(value: object) -> Window:
    parsed = notation.window(value) if isinstance(value, str) else None
    if parsed is None:
        refuse('days and two different clock times, such as "Mon-Thu 20:00-05:00"')
    return parsed


def _windows(value: object) -> tuple[Window, ...]:
    return tuple(_window(item) for item in (value if isinstance(value, list) else [value]))


def _rung(value: object) -> Rung:
    words = [rung.name.lower() for rung in Rung]
    if not isinstance(value, str) or value not in words:
        refuse(" < ".join(words), nearest(value, words))
    return Rung[value.upper()]


def _env_value(value: object) -> str:
    if not isinstance(value, str):
        refuse("quoted text", f'write "{value}"' if isinstance(value, (int, float)) else "")
    if len(value) > 1024:
        refuse("at most 1,024 characters")  # CreateModel's limit for a value (botocore 1.44, EnvironmentValue)
    return value


def _env(value: object) -> object:
    """Names and values that look like secrets are refused without repeating them."""
    if isinstance(value, dict) and any(looks_secret(name, text) for name, text in value.items()):
        names = ", ".join(sorted(str(name) for name, text in value.items() if looks_secret(name, text)))
        refuse(f"no secrets ({names} looks like one)", "put it in the model, or in Secrets Manager", hidden=True)
    return value


StartWithin = exact_duration(0.1, 86_400, "a duration from 0.1s to 1d, such as 2s or 10m")
Seconds = exact_duration(0.001, 86_400, "a duration above 0s up to 1d, such as 11.9s")
Minutes = duration(60, 30 * 86_400, "a duration of whole seconds from 1m to 30d, such as 45m")
Ack = duration(5, 3600, "a duration of whole seconds from 5s to 1h, such as 120s")
Longest = duration(1, 4 * 3600, "a duration of whole seconds from 1s to 4h, such as 60s")
UpToMonth = duration(0, 30 * 86_400, "a duration from 0s to 30d, such as 4h")
UpToYear = exact_duration(0, 365 * 86_400, "a duration from 0s to 365d such as 30m, or never")
Attain = share(0.5, 0.99999, "a share from 50% to 99.999%, such as 99.9%")
Share = share(0.0001, 1, "a share above 0% up to 100%, such as 20%")
Factor = Annotated[
    float,
    _written(
        _between(notation.factor, 1, 100),
        "a factor from 1x to 100x (it can only raise), such as 1.6x",
        hint=_factor_hint,
    ),
    _text_schema(notation.FACTOR_PATTERN, "1.6x"),
]
Clock = Annotated[
    int,
    _written(notation.clock_minute, 'a quoted clock time from "00:00" to "24:00", such as "07:45"'),
    _text_schema(notation.CLOCK_PATTERN, "07:45"),
]
Days = Annotated[
    tuple[int, ...],
    Field(strict=False),
    _written(notation.day_numbers, "days such as Mon-Fri or Mon,Wed,Sat-Sun"),
    _text_schema(notation.DAYS_PATTERN, "Mon-Fri", "Mon,Wed"),
]
Date = Annotated[
    str,
    _written(notation.calendar_date, "a date that exists, such as 2026-12-08"),
    _text_schema(notation.DATE_PATTERN, "2026-12-08"),
]
Moment = Annotated[
    str,
    _written(notation.moment, 'a date or a date and time that exist, such as 2026-12-15 or "2026-12-15 18:00"'),
    _text_schema(notation.MOMENT_PATTERN, "2026-12-15", "2026-12-15 18:00"),
]
_ONE_WINDOW = {"type": "string", "pattern": notation.WINDOW_PATTERN, "examples": ["Mon-Thu 20:00-05:00"]}
Windows = Annotated[
    tuple[Window, ...],
    BeforeValidator(_windows),
    WithJsonSchema({"oneOf": [_ONE_WINDOW, {"type": "array", "items": _ONE_WINDOW, "minItems": 1}]}),
]
Ladder = Annotated[
    Rung,
    BeforeValidator(_rung),
    WithJsonSchema({"enum": [rung.name.lower() for rung in Rung]}),
]
Text = text_like(r"[^\x00-\x1f\x7f]{1,256}", "one line of 1 to 256 characters")
"""One line: reasons and owners stand in logs and plans, where a line break would forge another line."""
ModelKey = text_like(r"[A-Za-z0-9 _.:/=+@*?-]{1,256}", "a component's name, a tag's value, or a glob of * and ?")
"""A tag's value can hold no other character (AWS tagging rules)."""
Word = text_like(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "1 to 63 letters, digits, dots, hyphens and underscores")
InstanceTypeName = text_like(r"ml\.[a-z0-9-]+\.[a-z0-9-]+", "an instance type, such as ml.p4d.24xlarge")
EndpointName = text_like(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", "an endpoint's name: 1 to 63 letters, digits and hyphens")
"""AWS's own pattern (botocore 1.44, EndpointName)."""
_TAG_KEY = r"[A-Za-z0-9 _.:/=+@-]{1,128}"
"""Characters of a tag key (AWS tagging rules)."""
Identity = text_like(f"(name|tag:{_TAG_KEY})", "name, or a tag's key such as tag:model")
Chargeback = text_like(f"tag:{_TAG_KEY}", "a tag's key, such as tag:cost-center")
Region = text_like(r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region, such as us-east-1")
CalendarArn = text_like(
    r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:document/.+",
    "the ARN of an SSM Change Calendar, arn:aws:ssm:…:document/…",
)
S3Uri = text_like(r"s3://[a-z0-9.-]{3,63}/.+", "a pointer to S3, such as s3://bucket/key.json")
Principal = text_like(
    r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]{1,512}",
    "the ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/app",
)
EnvName = text_like(r"[a-zA-Z_][a-zA-Z0-9_]{0,1023}", "a name of letters, digits and underscores")
EnvValue = Annotated[str, BeforeValidator(_env_value), WithJsonSchema({"type": "string", "maxLength": 1024})]
Env = Annotated[dict[EnvName, EnvValue], BeforeValidator(_env)]  # type: ignore[valid-type]
Count = Annotated[int, Field(ge=0, le=10_000)]
Positive = Annotated[int, Field(ge=1, le=10_000)]
Dollars = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Zones = Annotated[int, Field(ge=1, le=6)]
"""us-east-1 has six zones, the most of any region (AWS Global Infrastructure, 2026)."""
