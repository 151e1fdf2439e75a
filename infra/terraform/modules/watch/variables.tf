variable "name" {
  description = "Put before the name of everything that is made, 2 to 24 characters."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "The name is 2 to 24 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "The Region of everything that is watched: the dashboard's widgets name it."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "A Region is written as us-east-1 is."
  }
}

variable "metrics_namespace" {
  description = "CloudWatch namespace of the workers' metrics."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9./_#-]{1,255}$", var.metrics_namespace)) && !startswith(var.metrics_namespace, "AWS/")
    error_message = "1 to 255 letters, digits and ./_#-, not beginning with AWS/."
  }
}

variable "services" {
  description = "Of each service, by its name, the queues that its tasks take."
  type        = map(list(string))

  validation {
    condition     = length(flatten(values(var.services))) > 0
    error_message = "At least one service with at least one queue."
  }
}

variable "cluster_name" {
  description = "Name of the ECS cluster of the services."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.cluster_name))
    error_message = "ECS takes names of 1 to 255 letters, digits, hyphens and underscores for a cluster."
  }
}

variable "queue_names" {
  description = "Real names of the queues of all services."
  type        = set(string)

  validation {
    condition     = alltrue([for name in var.queue_names : can(regex("^[A-Za-z0-9_-]{1,80}$", name))])
    error_message = "SQS's names are 1 to 80 letters, digits, hyphens and underscores: not a URL, and not an ARN."
  }
}

variable "dead_letter_queues" {
  description = "Real names of all dead-letter queues, by whatever they are called here: those of queues, subscriptions, rules and schedules."
  type        = map(string)

  validation {
    condition     = alltrue([for name in values(var.dead_letter_queues) : can(regex("^[A-Za-z0-9_-]{1,80}$", name))])
    error_message = "SQS's names are 1 to 80 letters, digits, hyphens and underscores: not a URL, and not an ARN."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that alarms are encrypted with on their topic; its policy lets cloudwatch.amazonaws.com use it."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "arn:aws:kms:REGION:ACCOUNT:key/KEY-ID: an alias is no ARN that a policy can name."
  }
}

variable "alarm_emails" {
  description = "Addresses that alarms are mailed to, once each has confirmed. Others may subscribe to the topic."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "Every one is an e-mail address."
  }
}

variable "thresholds" {
  description = <<-EOT
    From when on people are told: queue_age_s (a message's wait for its first receive), queue_depth
    (messages that a queue holds and nobody has in hand), unpolled_s (a queue that nobody polls),
    error_percent (failed attempts and dead letters among outcomes, from 20 outcomes in five minutes
    on), throttles and opt_outs (in five minutes and in an hour), and spend_percent of the monthly
    limit.
  EOT
  type = object({
    queue_age_s   = optional(number, 300)
    queue_depth   = optional(number, 5000)
    unpolled_s    = optional(number, 180)
    error_percent = optional(number, 5)
    throttles     = optional(number, 100)
    opt_outs      = optional(number, 30)
    spend_percent = optional(number, 80)
  })
  default = {}

  validation {
    condition     = alltrue([for name, value in var.thresholds : value > 0])
    error_message = "Every threshold is above 0."
  }
  validation {
    condition     = var.thresholds.error_percent <= 100 && var.thresholds.spend_percent <= 100
    error_message = "Percentages are at most 100."
  }
  validation {
    # A long poll lasts for 20 s, and the workers tell of it once a minute.
    condition     = var.thresholds.unpolled_s >= 60
    error_message = "unpolled_s is at least 60."
  }
}

variable "monthly_spend_limit_usd" {
  description = "The account's monthly limit for texts, in US dollars, as `switchboard doctor` shows it. Null: people are told when it is used up, not before."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_spend_limit_usd == null ? true : var.monthly_spend_limit_usd > 0
    error_message = "Above 0, or null."
  }
}

variable "monthly_budget_usd" {
  description = "A budget for what carries this deployment's tag, in US dollars; null for none."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null ? true : var.monthly_budget_usd > 0
    error_message = "Above 0, or null."
  }
}

variable "budget_tag" {
  description = "Tag that the budget counts by, as KEY$VALUE; it must be an active cost allocation tag."
  type        = string
  default     = "user:Application$switchboard"

  validation {
    condition     = can(regex("^(user|aws):[^$]{1,128}\\$[^$]{0,256}$", var.budget_tag))
    error_message = "user:KEY$VALUE, or aws:KEY$VALUE for a tag that AWS made."
  }
}
