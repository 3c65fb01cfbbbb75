"""Adapters: the only code that imports boto3. Each implements one port of tidepool.runtime.ports."""
