"""What a decision asks for: changes, their difference to what is, and the text people read."""

from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove, change_id

__all__ = ["Change", "ScaleCopies", "ScaleInstances", "SetAutoscaling", "SetBounds", "StartMove", "change_id"]
