"""The image: built as a deployment builds it, and run as a deployment runs it."""
