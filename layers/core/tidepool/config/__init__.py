"""fleet.yaml → typed Config, or every problem at once."""
