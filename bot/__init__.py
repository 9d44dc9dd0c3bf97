"""The process: command line, configuration, composition root, scheduler, Socket Mode connection, HTTP, logs."""
