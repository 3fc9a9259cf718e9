"""Songs composed by rule and rendered as aligned stems: what the demo model is taught with."""
