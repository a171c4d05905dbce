"""From a prompt to a script, from a script to speech with phoneme times."""
