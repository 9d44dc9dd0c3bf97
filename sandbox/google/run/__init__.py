"""Cloud Run Admin API v2: services, revisions, traffic. Changes take a while and are seen under way."""
