"""The ION service: its users, its cache, its Vertex calls, its instances and its bill, on the sandbox's clock.

A closed simulation: every request is drawn, looked up in a real Redis, and answered from there or dearly. Nothing
here knows Lumen; the two meet only in the documented contract (docs/ion-contract.md) and in Google's metrics.
"""
