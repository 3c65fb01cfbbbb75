"""What breaks without each statement of a role, in one phrase: docs/permissions.md and its test read it here.

`make prove-permissions` shows it on the deployed stack: without the statement its role is denied.
"""

from __future__ import annotations

from collections.abc import Mapping

BREAKS: Mapping[str, str] = {
    "ListHosting": "it does not know which endpoints and components there are, and the run fails",
    "DescribeHosting": "sizes, states and tags stay unknown, and the run fails",
    "ReadMetrics": "there is no evidence: nothing is scaled, moved or learned",
    "ReadPricesAndQuotas": "what fleet.yaml does not say of a type stays unknown, and the run fails",
    "ReadAlarms": "alarms that freeze cannot be read: nothing is lowered, and no move begins",
    "ReadAlarmTags": "what an alarm asks for by its tags stays unknown: it only says look",
    "ReadFreezeCalendars": "calendars count as closed: nothing is lowered, and no move begins",
    "KeepTheLedger": "no lease and no memory: every run fails",
    "ReadWhatIsStored": "fleet.yaml cannot be read: every run fails",
    "TellMissingFromForbidden": "a first run takes a missing file for a forbidden one and fails",
    "SpeakOnTheBus": "what it asks for or tells reaches nobody",
    "HandOverFailedRuns": "an event that made it fail is lost, and no alarm tells",
    "WriteLogs": "it runs, and neither its log nor its metrics exist",
    "StoreDecisions": "no decision can be recorded, so none is made",
    "ReadRoutes": "it cannot tell which of two homes callers use, and the run fails",
    "ReadReservations": "nobody knows when a reservation ends: one that fleet.yaml does not write counts for nothing",
    "ReadWhoElseScales": "it cannot tell who else scales, and the run fails",
    "LookAgainBeforeActing": "it cannot see whether the change still fits, and makes none",
    "SetCopies": "copies stay as they are; after five refusals people are told",
    "ReadWhoElseScalesBeforeActing": "scaling targets stay as they are",
    "SetAutoscalingOfCopies": "the minimum of a component's own autoscaling stays as it is",
    "SetInstances": "instances stay as they are; after five refusals people are told",
    "SetAutoscalingOfInstances": "the minimum of an endpoint's own autoscaling stays as it is",
    "MakeConfigWithNewBounds": "a pool's bounds stay as they are",
    "TagWhatItMakes": "nothing can be created: each thing carries its tags from the first moment",
    "ListConfigs": "configs of earlier bounds stay",
    "SweepItsOwnConfigs": "configs of earlier bounds stay",
    "PutConfigInForceOnManagedEndpoint": "a pool's new bounds are written and never in force",
    "PutOnlyItsOwnConfigInForce": "a pool's new bounds are written and never in force",
    "PassThePoolsRole": "the bounds of a pool with an execution role stay as they are",
    "WriteRoutes": "callers cannot be led to a new home, and every move goes back",
    "WriteManagedRouters": "callers behind a router cannot be led to a new home, and the move goes back",
    "CreateOwnRouter": "a model whose router is not there yet gets none",
    "CreateComponentOnManagedEndpoint": "no model gets a home in a pool",
    "CreateOwnComponent": "no model gets a home in a pool",
    "CreateOwnEndpoint": "no model gets a machine of its own",
    "ReadWhoElseScalesBeforeMoving": "it cannot tell whether something else scales a home, and no move begins",
    "SeeWhatCallersMay": "no model whose callers fleet.yaml names may move",
    "ShrinkTheSource": "a home that is left to its owner stays as large, and as dear, as it was",
    "ProbeTheTarget": "no new home can prove that it answers, and every move goes back",
    "RetireWhatItMade": "what a move made stays, and costs, when the move goes back or the model moves on",
    "RetireWhatItsOwnerGaveUp": "a source that its owner gave up stays, and costs",
    "KeepWhatWasLearned": "forecasts stay as they were",
    "KeepBurstAlarms": "a burst waits for the next tick, up to a minute",
    "ReadTheLedger": "there is no report",
    "ReadTheFleetFile": "it does not know the Region that it reports on, and the run fails",
    "KeepReports": "there is no report",
    "WakeTheFunctions": "nothing is decided until an alarm or an event comes",
    "HandOverMissedTicks": "a tick that woke nobody is lost, and no alarm tells",
}
"""Sid → the phrase. A Sid that several roles have means the same in each."""
