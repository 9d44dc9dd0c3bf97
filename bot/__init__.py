"""The process: settings, wiring, scheduler, connection, HTTP, logs; no decisions, and no sentences for people."""

__version__ = "0.2.0"
