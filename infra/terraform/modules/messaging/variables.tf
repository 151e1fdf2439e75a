variable "name" {
  description = "Put before the name of everything that is made."
  type        = string
}

variable "account" {
  description = "The account's id, Region and partition, as every ARN here has them."
  type = object({
    id        = string
    region    = string
    partition = string
  })

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account.id))
    error_message = "An account's id has 12 digits."
  }
}

variable "queues" {
  description = "Queues, as modules/topology puts them out."
  type = map(object({
    name                 = string
    visibility_timeout_s = number
    retention_s          = number
    receive_wait_s       = number
    max_receive_count    = number
    dlq_name             = string
    dlq_retention_s      = number
  }))
}

variable "topics" {
  description = "Topics, as modules/topology puts them out."
  type = map(object({
    publisher = string
    name      = string
  }))
}

variable "subscriptions" {
  description = "The queue of each topic."
  type        = map(string)
}

variable "rules" {
  description = "EventBridge rules, as modules/topology puts them out."
  type = map(object({
    pattern = string
    queue   = string
    name    = string
  }))
}

variable "deferral" {
  description = "Real names of the schedule group and of the role by which messages come back."
  type = object({
    group = string
    role  = string
  })
}

variable "schedules" {
  description = "Recurring ticks, as modules/topology puts them out."
  type = map(object({
    rate  = string
    queue = string
    input = string
    name  = string
  }))
}

variable "connect_instance_arn" {
  description = "ARN of the Amazon Connect instance: nobody else's may stream chats to the topic."
  type        = string
}

variable "key_deletion_window_days" {
  description = "Days, 7 to 30, in which the key's deletion can be taken back. What it encrypted is gone with it."
  type        = number
  default     = 30

  validation {
    condition     = var.key_deletion_window_days >= 7 && var.key_deletion_window_days <= 30
    error_message = "7 to 30 days."
  }
}

variable "legacy_pinpoint" {
  description = "Whether a Kinesis stream of Pinpoint-shaped records is made, and an EventBridge pipe from it to the engagement queue. Pinpoint itself writes none since 2026-10-30; archives are replayed without it."
  type        = bool
  default     = false
}

variable "pinpoint_queue" {
  description = "Logical name of the queue that the pipe leads to."
  type        = string
  default     = "engagement-events"

  validation {
    condition     = contains(keys(var.queues), var.pinpoint_queue)
    error_message = "There is no such queue."
  }
}
