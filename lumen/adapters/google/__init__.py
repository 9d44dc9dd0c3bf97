"""Adapters of Google Cloud (Monitoring, Cloud Run, Memorystore, budgets) and its errors; none of Redis's protocol."""
