"""Tests of the room `charging`."""
