"""A Slack workspace to run a real bot against: Web API, Socket Mode, response_url, files, and a page for people.

What belongs here: Slack's side of the protocols, its rules with its error codes, and the state that people see.
What does not: anything of the bot under test (`lumen`, `handlers`, `bot`) and anything of Google Cloud. Messages
are stamped by the world's clock, as their words are written; Slack's limits (3 s, 30 min, one message a second) are in
wall time, whatever that clock does.
"""
