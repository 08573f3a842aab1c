"""When to ask Tesla about a car: pure decisions, and the timers that carry them out."""
