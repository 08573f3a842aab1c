"""Repair issues: the table of them, and the module that raises and clears them."""
