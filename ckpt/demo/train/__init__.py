"""Training of the demo model: one module per part, run by `python -m train PART`."""
