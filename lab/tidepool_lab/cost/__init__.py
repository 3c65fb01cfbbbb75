"""What Tidepool itself costs: the deployed handlers live a day on the twin, and every call of theirs is counted."""
