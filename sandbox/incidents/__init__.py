"""Incidents of the world, on demand or by a scenario file, and the truth about them; no Slack and no gRPC."""
