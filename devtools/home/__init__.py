"""A real Home Assistant beside a simulated Tesla, for the demo and the tests of the whole."""
