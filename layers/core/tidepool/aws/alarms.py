"""What freezes the fleet now: CloudWatch alarms in ALARM, and SSM Change Calendars that are closed."""

from __future__ import annotations

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.config.types import Config

PER_CALL = 100
"""DescribeAlarms takes 100 names a call (CloudWatch API)."""


class FreezeAlarms:
    """runtime.ports.Alarms over CloudWatch and SSM."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def frozen_by(self, config: Config, now: int) -> tuple[str, ...]:
        """Names of what freezes now. An alarm that does not exist freezes too: it cannot say that all is
        well.
        """
        return (
            *self._alarms(config.safety.freeze_alarms),
            *(name for name in config.safety.freeze_calendars if self._closed(name)),
        )

    def tags(self, alarm_arn: str) -> dict[str, str]:
        """The alarm's tags: what its owner wants decide to make of it."""
        with calling("ListTagsForResource", alarm_arn):
            reply = self._clients.get("cloudwatch").list_tags_for_resource(ResourceARN=alarm_arn)
        return {tag["Key"]: tag["Value"] for tag in reply["Tags"]}

    def _alarms(self, names: tuple[str, ...]) -> list[str]:
        states: dict[str, str] = {}
        for first in range(0, len(names), PER_CALL):
            asked = list(names[first : first + PER_CALL])
            with calling("DescribeAlarms", ", ".join(asked)):
                reply = self._clients.get("cloudwatch").describe_alarms(
                    AlarmNames=asked, AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=PER_CALL
                )
            for alarm in (*reply.get("MetricAlarms", ()), *reply.get("CompositeAlarms", ())):
                states[alarm["AlarmName"]] = alarm["StateValue"]
        return [
            name if name in states else f"{name} (not found)" for name in names if states.get(name, "ALARM") == "ALARM"
        ]

    def _closed(self, calendar: str) -> bool:
        with calling("GetCalendarState", calendar):
            reply = self._clients.get("ssm").get_calendar_state(CalendarNames=[calendar])
        return bool(reply["State"] != "OPEN")
