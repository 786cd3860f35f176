"""Movement: how a still scene becomes film. Camera, gait, drifting particles, and the film they are exposed on."""
