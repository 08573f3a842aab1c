"""Monitors of an entry: its domain, the pairing of its cars, and events that happen to them."""
