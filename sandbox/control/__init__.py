"""The control API of the world for tests, scripts and people; Slack's part of it is in sandbox/slack."""
