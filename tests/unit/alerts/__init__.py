"""Alerts: slices in, what opens and closes."""
