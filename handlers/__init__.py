"""Slack, but for the connection: commands and buttons in, messages out.

A handler reads a payload, calls one use case and shows what it returns. It judges nothing.
"""
