"""What Google's and Redis's clients raise, said in Lumen's words, and how long a call may take.

Shared by the adapters that read (`sources`) and those that change (`actuators`). No measurement, no decision and no
connection lives here: an adapter makes the call, this room only names what went wrong and how to mend it.
"""
