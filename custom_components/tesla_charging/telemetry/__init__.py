"""The push channel of a config entry."""
