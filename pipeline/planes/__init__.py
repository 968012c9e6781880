"""From scores to planes in view: smoothing, segments, the best frame, and how well they agree with the truth."""
