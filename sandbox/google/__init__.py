"""Google Cloud over gRPC, plaintext on loopback, from the client packages' own message types.

Nothing here knows ION: resources and series are put in by the world (sandbox/ion), read and changed by clients.
Vocabulary and refusals are those of the real services; docs/sandbox.md lists what is served and what is refused.
"""
