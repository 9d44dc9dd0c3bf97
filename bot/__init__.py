"""The process: command line, configuration, composition root, scheduler, Socket Mode connection, HTTP, logs."""

__version__ = "0.2.0"
