"""What the pictures themselves tell, before any model: the fan, what moves, what is frozen, black or no ultrasound."""
