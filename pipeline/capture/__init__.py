"""Auto-capture: which frames are worth keeping, and how they come to be kept."""
