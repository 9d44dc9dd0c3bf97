"""A world to run against (a Slack workspace, Google's APIs, the ION service) as a process; nothing of the product."""
