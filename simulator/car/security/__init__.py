"""How a car decides whom to believe: keys, sessions, counters, tags."""
