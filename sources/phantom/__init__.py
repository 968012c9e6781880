"""A procedural fetal ultrasound: the stand-in for a capture card, with known truth."""
