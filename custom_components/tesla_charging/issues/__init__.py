"""Repair issues: the table of them, and the one place that raises and clears them."""
