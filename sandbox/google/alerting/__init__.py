"""Cloud Monitoring's alerting: policies that really evaluate, incidents that open and close, channels that are told."""
