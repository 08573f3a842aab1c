"""Mutation tests."""
