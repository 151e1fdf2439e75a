variable "name" {
  description = "Put before the name of everything that is made, 2 to 24 characters."
  type        = string
}

variable "region" {
  description = "The Region of everything that is watched: the dashboard's widgets name it."
  type        = string
}

variable "metrics_namespace" {
  description = "CloudWatch namespace of the workers' metrics."
  type        = string
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
}

variable "dead_letter_queues" {
  description = "Real names of all dead-letter queues, by whatever they are called here: those of queues, subscriptions, rules and schedules."
  type        = map(string)
}

variable "kms_key_arn" {
  description = "ARN of the key that alarms are encrypted with on their topic; its policy lets cloudwatch.amazonaws.com use it."
  type        = string
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
    From when on people are told: queue_age_s (a message's wait for its first receive), unpolled_s
    (a queue that nobody polls), error_percent (failed attempts and dead letters among outcomes, from
    20 outcomes in five minutes on), throttles and opt_outs (in five minutes and in an hour), and
    spend_percent of the monthly limit.
  EOT
  type = object({
    queue_age_s   = optional(number, 300)
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
}
