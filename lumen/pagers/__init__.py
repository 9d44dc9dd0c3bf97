"""Adapters: pagers outside of Slack. They say what they are told, in the form that each wants, and decide nothing."""
