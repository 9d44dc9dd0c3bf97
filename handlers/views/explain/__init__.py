"""Pure: one figure, explained: its value and target, its parts, why, and what is missing with the remedy."""
