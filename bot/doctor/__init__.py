"""`lumen doctor`: everything that must be right, looked at once, with what mends it."""
