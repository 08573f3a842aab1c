"""The model of one car: its readings, what they mean, and what happened between two of them. No I/O."""
