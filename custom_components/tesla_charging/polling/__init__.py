"""When to poll a car: pure decisions, and timers that poll once for several requests."""
