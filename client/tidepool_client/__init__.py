"""Calls a model by its name, wherever Tidepool hosts it now: a drop-in over boto3's sagemaker-runtime."""

from tidepool_client.route import CACHE_S, Route, Target
from tidepool_client.runtime import Runtime, client
from tidepool_client.store import RouteUnknown

__all__ = ["CACHE_S", "Route", "RouteUnknown", "Runtime", "Target", "client"]
