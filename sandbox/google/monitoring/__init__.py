"""Cloud Monitoring v3: metric types, series, filters, alignment and reduction, custom metrics, alert policies.

Times inside are whole or fractional seconds of service time since the epoch; a point covers (start, end].
"""
