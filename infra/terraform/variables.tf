# What a deployment must say: the Connect instance and its flows, what texts are sent from, the image, the
# network, and its switchboard.toml. Everything else has a default that production can live with. What a
# value must be like is checked by the module that takes it, which says so beside the variable.

variable "connect_instance_arn" {
  description = "ARN of the Amazon Connect instance. Account, Region and partition of everything are its."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:connect:[a-z0-9-]+:[0-9]{12}:instance/[0-9a-f-]+$", var.connect_instance_arn))
    error_message = "arn:aws:connect:REGION:ACCOUNT:instance/INSTANCE-ID, as the Connect console shows it."
  }
}

variable "contact_flow_ids" {
  description = "Ids of the flows that chats and calls start in: those that switchboard.toml names."
  type        = list(string)
}

variable "origination_arns" {
  description = "ARNs of what texts are sent from: phone numbers, pools or sender IDs of End User Messaging."
  type        = list(string)
}

variable "image" {
  description = "The container image, with its tag or, better, its digest."
  type        = string
}

variable "vpc_id" {
  description = "The VPC of the tasks. They need a way out to AWS's endpoints, and nobody needs a way in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks, in at least two Availability Zones."
  type        = list(string)
}

variable "configuration_file" {
  description = "Path of the deployment's switchboard.toml: `switchboard config check` it first. A change rolls the workers."
  type        = string

  validation {
    condition     = can(file(var.configuration_file))
    error_message = "There is no such file."
  }
}

variable "name" {
  description = "Put before the name of everything that is made, 2 to 24 characters. Two deployments in one account differ by it."
  type        = string
  default     = "switchboard"
}

variable "configuration_sets" {
  description = "Names of End User Messaging's configuration sets that switchboard.toml names; `switchboard setup` makes them."
  type        = list(string)
  default     = ["conversations"]
}

variable "opt_out_lists" {
  description = "Names of the opt-out lists that switchboard.toml names."
  type        = list(string)
  default     = ["Default"]
}

variable "profiles_domain" {
  description = "Customer Profiles domain of [profiles] in switchboard.toml; null where no profiles are written."
  type        = string
  default     = null
}

variable "results_event_bus" {
  description = "Name of the EventBridge bus that results of reminders are put on; null where there is none."
  type        = string
  default     = null
}

variable "suppresses_mail" {
  description = "Whether addresses go on SES's own suppression list too (bounces.ses_suppression_list in switchboard.toml)."
  type        = bool
  default     = false
}

variable "legacy_pinpoint" {
  description = "Whether a Kinesis stream of Pinpoint-shaped records and a pipe from it are made."
  type        = bool
  default     = false
}

variable "runs_workers" {
  description = "Whether services, alarms and the dashboard are made. False for a first apply before there is an image, or where workers run elsewhere on `worker_environment`."
  type        = bool
  default     = true
}

variable "service_sizes" {
  description = "How services are sized and scaled where the defaults do not suit, by the service's name; what it may say is in modules/fleet."
  type = map(object({
    cpu              = optional(number)
    memory           = optional(number)
    min_tasks        = optional(number)
    max_tasks        = optional(number)
    backlog_per_task = optional(number)
    queue_age_s      = optional(number)
  }))
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.service_sizes), jsondecode(file("${path.module}/../topology.json")).services[*].name)) == 0
    error_message = "There is no service of that name in topology.json."
  }
}

variable "image_repository_arn" {
  description = "ARN of the ECR repository that the image is pulled from; null where nobody has to log in to pull it."
  type        = string
  default     = null
}

variable "cpu_architecture" {
  description = "What the image is built for: X86_64 or ARM64."
  type        = string
  default     = "X86_64"
}

variable "assign_public_ip" {
  description = "Whether tasks have public addresses: only where their subnets have no NAT gateway or endpoints."
  type        = bool
  default     = false
}

variable "drain_s" {
  description = "Seconds, 1 to 110, that a task has for what is in its hands once it is told to stop."
  type        = number
  default     = 25
}

variable "stop_timeout_s" {
  description = "Seconds, up to Fargate's 120, from SIGTERM to SIGKILL; at least 10 above drain_s."
  type        = number
  default     = 60
}

variable "lease_step_s" {
  description = "The longest [runtime.<queue>] lease_step_s of switchboard.toml; no longer than a queue's visibility timeout."
  type        = number
  default     = 30
}

variable "log_retention_days" {
  description = "Days for which logs are kept, a number that CloudWatch Logs offers."
  type        = number
  default     = 365
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted, and buckets that are not empty. Off only for what is to be thrown away."
  type        = bool
  default     = true
}

variable "alarm_emails" {
  description = "Addresses that alarms are mailed to, once each has confirmed. Others may subscribe to the topic."
  type        = set(string)
  default     = []
}

variable "alarm_thresholds" {
  description = "From when on people are told, where the defaults of modules/watch do not suit."
  type = object({
    queue_age_s   = optional(number)
    queue_depth   = optional(number)
    unpolled_s    = optional(number)
    error_percent = optional(number)
    throttles     = optional(number)
    opt_outs      = optional(number)
    spend_percent = optional(number)
  })
  default = {}
}

variable "monthly_spend_limit_usd" {
  description = "The account's monthly limit for texts, in US dollars, as `switchboard doctor` shows it; null: people are told when it is used up."
  type        = number
  default     = null
}

variable "monthly_budget_usd" {
  description = "A budget for what this deployment costs, in US dollars; null for none."
  type        = number
  default     = null
}
