"""The outbox worker on a real store, against the sandbox of Slack."""
