"""Signing in to Tesla, and the virtual key."""
