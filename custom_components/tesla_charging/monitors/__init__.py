"""Watching what can break or happen while nobody asks."""
