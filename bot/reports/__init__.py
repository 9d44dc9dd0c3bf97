"""A turn for programs (JSON), for people outside of Slack (Markdown), and as files."""
