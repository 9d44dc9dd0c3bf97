"""Checks of `lumen doctor`, each with its remedy; a check reads, and changes nothing."""
