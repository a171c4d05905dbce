"""Many renders, and the pieces of long ones, over several processes or a Ray cluster."""
