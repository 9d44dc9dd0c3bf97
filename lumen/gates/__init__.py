"""Verdicts: assessments in, PASS, WARN, FAIL or NO_DATA out, and the unified gate. Pure."""
