"""How well the demo listens: what it makes of songs kept out of training, measured in the sound alone."""
