"""Adapters that read: Cloud Monitoring, Cloud Run, budgets, the cache. They translate and never decide."""
