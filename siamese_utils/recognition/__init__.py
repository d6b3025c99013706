"""One recognizer: an encoder, how files are read for it, a threshold, and a gallery."""
