"""Google Cloud: Monitoring, Cloud Run, Memorystore, budgets; their errors become Lumen's sentences here."""
