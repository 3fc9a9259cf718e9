"""Does this machine compute right: the product's own networks and rules against stored vectors."""
