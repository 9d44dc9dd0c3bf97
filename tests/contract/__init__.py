"""Adapters, and use cases on the real store, against the real thing: an embedded Valkey, gRPC and HTTP servers."""
