"""What happened, for people: entries of the ledger → `summary.summarise` → `html.render`. Pure."""
