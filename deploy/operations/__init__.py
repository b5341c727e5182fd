"""What the operator does by hand: look at events, rebuild read models, replay dead letters, make an admin."""
