"""Integrations that only the demo has; none of them is packaged."""
