"""Adapters that tell others: figures written to where people and alert policies look. They decide nothing."""
