"""The unified gate and its verdicts."""
