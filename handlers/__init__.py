"""Everything Slack: commands, buttons, views, the outbox, and the words in English and Korean."""
