"""SadTalker inside the patch pipeline: expression, head pose and blinks from the voice, drawn on the still."""
