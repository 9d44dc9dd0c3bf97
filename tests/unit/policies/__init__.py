"""Truth tables of the policies."""
