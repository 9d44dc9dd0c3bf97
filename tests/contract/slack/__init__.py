"""Commands, clicks and the connection, through the handlers, against the sandbox of Slack."""
