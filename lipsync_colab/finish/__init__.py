"""From patches to full frames: the still is finished once, patches are laid into it."""
