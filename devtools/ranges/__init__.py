"""Versions of the packages that build signed bytes, and the tests run with them."""
