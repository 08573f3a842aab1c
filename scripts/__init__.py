"""What a developer runs: set-up, tests, demo, brand images."""
