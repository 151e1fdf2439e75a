variable "name" {
  description = "Put before the name of everything that is made, 2 to 24 characters."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "The name is 2 to 24 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "topology_json" {
  description = "The text of another topology.json; null for the one that ships."
  type        = string
  default     = null
}

variable "lease_step_s" {
  description = "Seconds by which a worker extends a message's visibility ([runtime.<queue>] lease_step_s in switchboard.toml)."
  type        = number
  default     = 30
}

variable "longest_wait_receives" {
  description = "How often a message may be received while it waits and fails nothing: a chat that has no room, a table that throttles. The net of a queue lies far above it."
  type        = number
  default     = 250
}
