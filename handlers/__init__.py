"""Everything of Slack but the connection: commands and clicks in, messages out.

A handler reads a payload, calls one use case and shows what it returns. It judges nothing.
"""
