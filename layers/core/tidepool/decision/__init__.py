"""From the observed fleet to one recorded decision. Read pipeline.py first."""
