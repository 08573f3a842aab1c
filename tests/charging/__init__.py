"""Tests of the sources of prices and power in a home."""
