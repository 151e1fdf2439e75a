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

  validation {
    condition     = var.topology_json == null ? true : can(jsondecode(var.topology_json).queues)
    error_message = "The text of a file like infra/topology.json, not its path: JSON with queues, topics, subscriptions, rules and more."
  }
}

variable "lease_step_s" {
  description = "Seconds by which a worker extends a message's visibility ([runtime.<queue>] lease_step_s in switchboard.toml)."
  type        = number
  default     = 30

  validation {
    condition     = var.lease_step_s >= 10 && var.lease_step_s <= 43200
    error_message = "lease_step_s is 10 to 43200 s: switchboard.toml takes no other."
  }
}

variable "longest_wait_receives" {
  description = "How often a message may be received while it waits and fails nothing: a chat that has no room, a table that throttles. The net of a queue lies far above it."
  type        = number
  default     = 250

  validation {
    condition     = var.longest_wait_receives >= 1
    error_message = "A wait takes at least one receive."
  }
}
