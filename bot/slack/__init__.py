"""The connection to Slack: Socket Mode on two lanes, and envelopes handed to Bolt."""
