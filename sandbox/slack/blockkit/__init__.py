"""Slack's rules for Block Kit: shapes, lengths and counts, each refusal with its JSON pointer.

`surfaces` is the entry; `blocks` and `elements` are tables of shapes; `rules` are the small checks they are made of.
"""
