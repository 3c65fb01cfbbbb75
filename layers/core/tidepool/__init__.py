"""Tidepool: scales, packs and moves many models on Amazon SageMaker, for the whole fleet at once."""

__version__ = "0.1.0"
