"""What moves right now: pulses become state, state becomes frames, frames fan out to browsers."""
