"""Calls a model by its name, wherever Tidepool hosts it now: a drop-in over boto3's sagemaker-runtime."""

from tidepool_client.route import CACHE_S, Route, Target, pick
from tidepool_client.runtime import Runtime, client, routes
from tidepool_client.store import RouteStore, RouteUnknown

__all__ = ["CACHE_S", "Route", "RouteStore", "RouteUnknown", "Runtime", "Target", "client", "pick", "routes"]
