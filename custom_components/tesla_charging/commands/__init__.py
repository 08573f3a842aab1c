"""Getting a command to a car."""
