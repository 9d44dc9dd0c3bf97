"""A world to run against: a Slack workspace, Google Cloud APIs and the ION service, in a process of its own."""
