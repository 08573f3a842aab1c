"""The simulated Tesla cloud: accounts, OAuth, Fleet API, billing, limits, faults, pages."""
