"""The files of a config entry: what survives a restart."""
