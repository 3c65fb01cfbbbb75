"""Other ways to scale, each from its cited source, on the same twin."""
