"""Signing in to the simulated Tesla: users, pages, codes and tokens."""
