"""Steps of composing that need no host: no shape depends on the position, so they can be recorded."""
