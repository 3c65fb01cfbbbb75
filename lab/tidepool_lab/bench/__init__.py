"""Runs policies side by side under the rules of docs/bench-rules.md."""
