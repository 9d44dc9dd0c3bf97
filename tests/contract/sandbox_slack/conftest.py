"""The workspace that every test here runs against."""

from tests.slack_workspace import world

__all__ = ["world"]
