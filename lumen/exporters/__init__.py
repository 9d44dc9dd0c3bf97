"""Assessments: a snapshot in, scores, error budgets and published metrics out. Pure; recommends nothing."""
