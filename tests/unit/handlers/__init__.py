"""Parsing of commands, views, and what the outbox waits for."""
