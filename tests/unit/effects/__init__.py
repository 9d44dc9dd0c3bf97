"""Estimates, verdicts, trends, and what the track record allows."""
