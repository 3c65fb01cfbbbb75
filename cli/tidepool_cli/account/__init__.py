"""An account as `init` and `doctor` read it: few calls, each counted, and whatever was refused is listed."""
