variable "name" {
  description = "Put before the name of everything that is made, 2 to 24 characters."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "The name is 2 to 24 lower-case letters, digits and hyphens, and begins with a letter."
  }
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
  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)+-[0-9]+$", var.account.region))
    error_message = "A Region is written as us-east-1 is."
  }
  validation {
    condition     = contains(["aws", "aws-us-gov", "aws-cn"], var.account.partition)
    error_message = "The partition is aws, aws-us-gov or aws-cn."
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

  validation {
    condition     = alltrue([for name in flatten([for one in var.queues : [one.name, one.dlq_name]]) : can(regex("^[A-Za-z0-9_-]{1,80}$", name))])
    error_message = "SQS takes names of 1 to 80 letters, digits, hyphens and underscores."
  }
  validation {
    condition     = length(distinct(flatten([for one in var.queues : [one.name, one.dlq_name]]))) == 2 * length(var.queues)
    error_message = "Every queue has a dead-letter queue of its own."
  }
  validation {
    condition     = alltrue([for one in var.queues : one.visibility_timeout_s >= 10 && one.visibility_timeout_s <= 43200])
    error_message = "visibility_timeout_s is 10 to 43200 s: a shorter one ends before a worker can extend it."
  }
  validation {
    condition     = alltrue([for one in var.queues : one.receive_wait_s >= 1 && one.receive_wait_s <= 20])
    error_message = "receive_wait_s is 1 to 20 s: without a long poll an empty queue costs as much as a full one."
  }
  validation {
    condition     = alltrue([for seconds in flatten([for one in var.queues : [one.retention_s, one.dlq_retention_s]]) : seconds >= 60 && seconds <= 1209600])
    error_message = "SQS keeps messages for 60 s to 14 days."
  }
  validation {
    condition     = alltrue([for one in var.queues : one.dlq_retention_s > one.retention_s || one.dlq_retention_s == 1209600])
    error_message = "A dead-letter queue must keep messages longer than its queue, or for 14 days: a message keeps the age that it had."
  }
  validation {
    condition     = alltrue([for one in var.queues : one.max_receive_count >= 100 && one.max_receive_count <= 1000])
    error_message = "max_receive_count is 100 to 1000: it is the net under the worker, and waiting costs receives too."
  }
}

variable "topics" {
  description = "Topics, as modules/topology puts them out."
  type = map(object({
    publisher = string
    name      = string
  }))

  validation {
    condition     = alltrue([for one in var.topics : can(regex("^[a-z-]+\\.amazonaws\\.com$", one.publisher))])
    error_message = "A publisher is the principal of an AWS service: sms-voice.amazonaws.com."
  }
  validation {
    condition     = alltrue([for one in var.topics : can(regex("^[A-Za-z0-9_-]{1,256}$", one.name))])
    error_message = "SNS takes names of 1 to 256 letters, digits, hyphens and underscores; FIFO topics take no AWS service's messages."
  }
}

variable "subscriptions" {
  description = "The queue of each topic."
  type        = map(string)

  validation {
    condition     = alltrue([for topic in keys(var.subscriptions) : contains(keys(var.topics), topic)])
    error_message = "A subscription is to a topic that is not there."
  }
  validation {
    condition     = alltrue([for queue in values(var.subscriptions) : contains(keys(var.queues), queue)])
    error_message = "A subscription leads to a queue that is not there."
  }
}

variable "rules" {
  description = "EventBridge rules, as modules/topology puts them out."
  type = map(object({
    pattern = string
    queue   = string
    name    = string
  }))

  validation {
    condition     = alltrue([for one in var.rules : can(regex("^[A-Za-z0-9._-]{1,64}$", one.name))])
    error_message = "EventBridge takes names of 1 to 64 letters, digits, dots, hyphens and underscores."
  }
  validation {
    condition     = alltrue([for one in var.rules : try(length(jsondecode(one.pattern).source) > 0, false)])
    error_message = "A pattern is JSON that names its source: one that does not takes all there is on the bus."
  }
  validation {
    condition     = alltrue([for one in var.rules : contains(keys(var.queues), one.queue)])
    error_message = "A rule leads to a queue that is not there."
  }
}

variable "deferral" {
  description = "Real names of the schedule group and of the role by which messages come back."
  type = object({
    group = string
    role  = string
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,64}$", var.deferral.group)) && can(regex("^[A-Za-z0-9._-]{1,64}$", var.deferral.role))
    error_message = "Scheduler and IAM take names of 1 to 64 letters, digits, dots, hyphens and underscores."
  }
}

variable "schedules" {
  description = "Recurring ticks, as modules/topology puts them out."
  type = map(object({
    rate  = string
    queue = string
    input = string
    name  = string
  }))

  validation {
    condition     = alltrue([for one in var.schedules : can(regex("^[A-Za-z0-9._-]{1,64}$", one.name))])
    error_message = "Scheduler takes names of 1 to 64 letters, digits, dots, hyphens and underscores."
  }
  validation {
    condition     = alltrue([for one in var.schedules : can(regex("^rate\\((([5-9]|[1-9][0-9]{1,2}) minutes|([2-9]|[1-9][0-9]{1,2}) (hours|days))\\)$", one.rate))])
    error_message = "A rate is written as rate(30 minutes) or rate(2 hours), at least five minutes: ticks that come more often would wait for each other."
  }
  validation {
    condition     = alltrue([for one in var.schedules : contains(keys(var.queues), one.queue)])
    error_message = "A schedule leads to a queue that is not there."
  }
  validation {
    condition     = alltrue([for one in var.schedules : can(keys(jsondecode(one.input)))])
    error_message = "What a schedule sends is a JSON object: the worker that takes it reads nothing else."
  }
}

variable "connect_instance_arn" {
  description = "ARN of the Amazon Connect instance: nobody else's may stream chats to the topic."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:connect:[a-z0-9-]+:[0-9]{12}:instance/[0-9a-f-]+$", var.connect_instance_arn))
    error_message = "arn:aws:connect:REGION:ACCOUNT:instance/INSTANCE-ID"
  }
  validation {
    condition     = startswith(var.connect_instance_arn, "arn:${var.account.partition}:connect:${var.account.region}:${var.account.id}:")
    error_message = "The instance is of this account and Region: Connect streams chats to no topic elsewhere."
  }
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
