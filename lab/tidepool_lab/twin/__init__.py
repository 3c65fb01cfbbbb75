"""Simulated SageMaker hosting, on a virtual clock, from one seed."""
