"""The twin, the rivals and the benchmark. Never ships to Lambda."""
