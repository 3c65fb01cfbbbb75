"""Which model a component or endpoint belongs to, and whether people gave it to Tidepool."""

from __future__ import annotations

from collections.abc import Mapping

MANAGED_TAG = "tidepool:managed"
"""The tag with which people hand a resource over; the hands' permissions are scoped by it."""

_TAG = "tag:"


def identity_of(identity: str, name: str, tags: Mapping[str, str]) -> str:
    """The model's identity: the name itself (`identity` is 'name'), or the value of the tag in 'tag:KEY'.

    '' when the tag is missing: nobody said whose it is, so it is observed and never touched. It does not fall
    back to the name, since then a glob of fleet.yaml would catch what nobody gave away.
    """
    if not identity.startswith(_TAG):
        return name
    return tags.get(identity.removeprefix(_TAG), "")


def managed(tags: Mapping[str, str]) -> bool:
    """People gave this resource to Tidepool."""
    return tags.get(MANAGED_TAG) == "true"
