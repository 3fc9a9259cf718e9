"""How fast this machine renders, and in how much memory: measured beside a named baseline in one run."""
