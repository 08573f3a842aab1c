"""What the simulated car keeps: rule by rule."""
