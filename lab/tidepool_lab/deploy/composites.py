"""Composite alarms over the account's alarms: people's own, since the template has none.

Sources: CloudWatch API, PutCompositeAlarm (the rule's grammar, INSUFFICIENT_DATA at creation alone) and DescribeAlarms
(no composite alarm unless AlarmTypes asks for them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from tidepool_lab.embedded.alarms import Alarm, AlarmBook, Transition
from tidepool_lab.embedded.evaluation import State
from tidepool_lab.embedded.intercept import AwsError, Params
from tidepool_lab.embedded.timestamps import moment

_WORD = re.compile(r'\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*"?(?P<name>[^")]+?)"?\s*\)|(?P<word>\w+|[()]))')


class Composites:
    """A responder before `inner`, CloudWatch with the metric alarms of the book. `now` in seconds since 1970."""

    def __init__(
        self, inner: Callable[[str, Params], Params | None], book: AlarmBook, *, prefix: str, now: Callable[[], int]
    ) -> None:
        """`prefix`: of the ARNs of this account's alarms."""
        self._inner, self._book, self._prefix, self._now = inner, book, prefix, now
        self.alarms: dict[str, Alarm] = {}

    def __call__(self, operation: str, params: Params) -> Params | None:
        match operation:
            case "PutCompositeAlarm":
                self._put(params)
                return {}
            case "DescribeAlarms":
                return self._describe(params)
            case "DeleteAlarms" if set(params["AlarmNames"]) <= set(self.alarms):
                for name in params["AlarmNames"]:
                    del self.alarms[name]
                return {}
            case "ListTagsForResource" if name := self._ours(params["ResourceARN"]):
                return {"Tags": [{"Key": key, "Value": value} for key, value in self.alarms[name].tags.items()]}
        return self._inner(operation, params)

    def evaluate(self, now: int) -> list[Transition]:
        """What their rules make of the alarms' states of now."""
        changed = []
        for alarm in self.alarms.values():
            after = State.ALARM if self._holds(alarm.asked["AlarmRule"]) else State.OK
            if after is not alarm.state:
                reason = f"{alarm.asked['AlarmRule']} is {after is State.ALARM}"
                moved = Transition(alarm, (), alarm.state, alarm.changed_s, after, reason, json.dumps({}), now)
                alarm.state, alarm.reason, alarm.changed_s = after, reason, now
                changed.append(moved)
        return changed

    def _put(self, asked: Params) -> None:
        self._holds(asked["AlarmRule"])  # What cannot be read is refused now.
        name = asked["AlarmName"]
        tags = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", ())}
        if there := self.alarms.get(name):
            there.asked = asked
        else:
            now = self._now()
            self.alarms[name] = Alarm(asked, self._prefix + name, now, changed_s=now, tags=tags)

    def _describe(self, params: Params) -> Params:
        types = params.get("AlarmTypes", ["MetricAlarm"])
        reply = dict(self._inner("DescribeAlarms", params) or {})
        names, prefix = params.get("AlarmNames"), params.get("AlarmNamePrefix", "")
        ours = [
            {
                "AlarmName": name,
                "AlarmArn": alarm.arn,
                "AlarmRule": alarm.asked["AlarmRule"],
                "StateValue": str(alarm.state),
                "StateReason": alarm.reason,
                "StateUpdatedTimestamp": moment(alarm.changed_s),
            }
            for name, alarm in self.alarms.items()
            if (names is None or name in names) and name.startswith(prefix)
        ]
        metric = reply["MetricAlarms"] if "MetricAlarm" in types else []
        return {**reply, "MetricAlarms": metric, "CompositeAlarms": ours if "CompositeAlarm" in types else []}

    def _ours(self, arn: str) -> str:
        name = arn.removeprefix(self._prefix)
        return name if name in self.alarms else ""

    def _holds(self, rule: str) -> bool:
        """What the rule says now. ValidationError when it is none."""
        words = list(_WORD.finditer(rule))
        try:
            whole = "".join(word[0] for word in words) == rule.rstrip()
            holds = self._any(words)
        except IndexError:
            whole = False
        if not whole or words:
            raise AwsError("ValidationError", f"AlarmRule {rule!r} cannot be read.")
        return holds

    def _any(self, words: list[re.Match[str]]) -> bool:
        holds = self._all(words)
        while words and words[0]["word"] == "OR":
            words.pop(0)
            holds = self._all(words) or holds
        return holds

    def _all(self, words: list[re.Match[str]]) -> bool:
        holds = self._one(words)
        while words and words[0]["word"] == "AND":
            words.pop(0)
            holds = self._one(words) and holds
        return holds

    def _one(self, words: list[re.Match[str]]) -> bool:
        word = words.pop(0)
        match word["word"]:
            case None:
                return self._state(word["name"]) == word["state"]
            case "NOT":
                return not self._one(words)
            case "(":
                holds = self._any(words)
                if words.pop(0)["word"] == ")":
                    return holds
            case "TRUE" | "FALSE":
                return bool(word["word"] == "TRUE")
        raise AwsError("ValidationError", f"{word[0].strip()!r} stands where an alarm's state is expected.")

    def _state(self, alarm: str) -> str:
        """'' when there is no such alarm."""
        known: Mapping[str, Alarm] = {**self._book.alarms, **self.alarms}
        name = alarm.removeprefix(self._prefix)
        return str(known[name].state) if name in known else ""
