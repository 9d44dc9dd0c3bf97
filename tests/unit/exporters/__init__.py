"""Assessments, error budgets and published metrics from snapshots."""
