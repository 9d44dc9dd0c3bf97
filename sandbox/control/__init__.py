"""What a test, a script or a person may do to the world: the part of the control API beside Slack's."""
