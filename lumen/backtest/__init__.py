"""Somebody's own history through the very same alerts, assessments and policies, with its own clock. Pure."""
