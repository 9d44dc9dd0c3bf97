"""The domain: what Lumen measures, decides and does.

Belongs here: the model, the ports, the pure assessments and policies, the use cases, and the adapters of the
ports. Does not belong here: anything about Slack, the command line, the environment or how Lumen is run.
"""
