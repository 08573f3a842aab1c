"""The simulated Fleet API: vehicles, commands, telemetry, partner account, bill."""
