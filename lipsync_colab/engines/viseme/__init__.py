"""The embedded engine: the portrait itself is warped, the mouth's inside is drawn; no weights, no torch."""
