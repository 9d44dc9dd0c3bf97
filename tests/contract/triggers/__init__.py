"""Calls from outside: whose tokens are taken, and what a call does, once."""
