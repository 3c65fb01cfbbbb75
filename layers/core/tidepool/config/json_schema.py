"""fleet.yaml as JSON Schema, for editors: completion and checks while a person types.

`python -m tidepool.config.json_schema > docs/fleet.schema.json` writes the shipped file.
"""

from __future__ import annotations

import json
from typing import Any

from tidepool.config.schema import WORDS, FleetFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of every field. What fields mean together is checked by `tidepool validate` alone."""
    schema = _plain(FleetFile.model_json_schema(by_alias=True, mode="validation"))
    return {"$schema": DIALECT, **schema, "title": "Tidepool fleet.yaml"}


def json_schema_text() -> str:
    """The schema as the file that ships: indented, keys sorted, one newline at its end."""
    return json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """As the file is read: no null (absence is not null), the words `never` and `none` where they may stand."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$ref"}:
        word = WORDS.get(value["$ref"].rpartition("/")[2])
        return value if word is None else {"oneOf": [{"const": word}, value]}
    inner = {key: _plain(item) for key, item in value.items() if key != "title" and (key, item) != ("default", None)}
    if "patternProperties" in inner:
        inner["additionalProperties"] = False  # A name of another form is refused, not ignored.
    options = [option for option in inner.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        del inner["anyOf"]
        return {**options[0], **inner}
    return inner


if __name__ == "__main__":
    print(json_schema_text(), end="")
