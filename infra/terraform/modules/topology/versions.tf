terraform {
  # No provider: what topology.json means can be tried anywhere, in a quarter of a second.
  required_version = ">= 1.9"
}
