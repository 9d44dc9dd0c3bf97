"""A turn outside of Slack: as JSON for programs, as Markdown for people, and as files under OUTPUT_DIR."""
