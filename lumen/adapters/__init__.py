"""Implementations of the ports by the vendor that they speak to; no decisions, policies or wording here."""
