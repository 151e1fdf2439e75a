"""Files of the image."""
