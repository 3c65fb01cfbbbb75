"""What a bench run is fed with: traces, reference fleets, the preparation of bench-rules.md §2, and fleet.yaml."""
