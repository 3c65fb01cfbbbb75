"""Use cases: the only code that calls ports. One file a duty."""
