"""Sends commands to a car, and limits how many."""
