variable "name" {
  description = "Put before the name of everything that is made, 2 to 24 characters."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "The name is 2 to 24 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "queues" {
  description = "Of each queue, by its logical name: the handler that it is made for, and the ARNs of it and of its dead-letter queue."
  type = map(object({
    handler = string
    arn     = string
    dlq_arn = string
  }))

  validation {
    condition     = alltrue([for queue in var.queues : contains(keys(local.capabilities), queue.handler)])
    error_message = "A queue has a handler whose permissions are written nowhere: add it to local.capabilities in iam.tf."
  }
  validation {
    condition     = alltrue([for arn in flatten([for queue in var.queues : [queue.arn, queue.dlq_arn]]) : can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", arn))])
    error_message = "arn and dlq_arn are arn:aws:sqs:REGION:ACCOUNT:NAME."
  }
}

variable "services" {
  description = <<-EOT
    Of each service, by its name, the queues that its tasks take, and how it is sized and scaled:
    cpu (units of 1/1024 vCPU) and memory (MiB), a pair that Fargate offers; min_tasks and max_tasks;
    backlog_per_task (messages that wait for us, per task, that are kept); queue_age_s (seconds that
    a message may wait for its first receive before tasks are added); cpu_percent (how busy tasks
    are kept). A worker is one process on one event loop: more than one vCPU would lie idle.
  EOT
  type = map(object({
    queues           = list(string)
    cpu              = optional(number, 256)
    memory           = optional(number, 512)
    min_tasks        = optional(number, 2)
    max_tasks        = optional(number, 10)
    backlog_per_task = optional(number, 500)
    queue_age_s      = optional(number, 60)
    cpu_percent      = optional(number, 60)
  }))

  validation {
    condition     = sort(flatten([for service in var.services : service.queues])) == sort(keys(var.queues))
    error_message = "Each queue is taken by exactly one service."
  }
  validation {
    condition     = alltrue([for service in var.services : length(service.queues) <= 8])
    error_message = "A service takes at most 8 queues: a scaling policy may name no more than 10 metrics."
  }
  validation {
    condition     = alltrue([for service in var.services : service.min_tasks >= 1 && service.max_tasks >= service.min_tasks && service.max_tasks <= 100])
    error_message = "1 <= min_tasks <= max_tasks <= 100."
  }
  validation {
    condition     = alltrue([for service in var.services : service.backlog_per_task >= 1 && service.queue_age_s >= 5 && service.cpu_percent >= 10 && service.cpu_percent <= 90])
    error_message = "backlog_per_task is at least 1, queue_age_s at least 5, cpu_percent from 10 to 90."
  }
  validation {
    condition     = alltrue([for service in var.services : contains([256, 512, 1024], service.cpu) && service.memory >= 2 * service.cpu && service.memory <= 8192])
    error_message = "cpu is 256, 512 or 1024, and memory at least twice as many MiB: a pair that Fargate offers."
  }
}

variable "image" {
  description = "The container image, with its tag or, better, its digest."
  type        = string

  validation {
    condition     = can(regex("^[^\\s]+[:@][^\\s]+$", var.image))
    error_message = "Name the image with a tag or a digest: repository:tag or repository@sha256:..."
  }
}

variable "image_repository_arn" {
  description = "ARN of the ECR repository that the image is pulled from; null where nobody has to log in to pull it."
  type        = string
  default     = null

  validation {
    condition     = var.image_repository_arn == null ? true : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9._/-]+$", var.image_repository_arn))
    error_message = "arn:aws:ecr:REGION:ACCOUNT:repository/NAME, or null."
  }
}

variable "cpu_architecture" {
  description = "What the image is built for: X86_64 or ARM64."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "X86_64 or ARM64."
  }
}

variable "worker_environment" {
  description = "Every variable of a worker's environment, as workers/settings.py reads them. A changed value rolls the services: SWITCHBOARD_CONFIG carries the version of the configuration."
  type        = map(string)

  validation {
    condition     = can(regex("^s3://[^/]+/.+\\?versionId=.+$", var.worker_environment["SWITCHBOARD_CONFIG"]))
    error_message = "SWITCHBOARD_CONFIG is s3://BUCKET/KEY?versionId=VERSION: without its version a change would roll nothing."
  }
}

variable "metrics_namespace" {
  description = "CloudWatch namespace of the workers' metrics, which scaling reads."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9./_#-]{1,255}$", var.metrics_namespace)) && !startswith(var.metrics_namespace, "AWS/")
    error_message = "1 to 255 letters, digits and ./_#-, not beginning with AWS/."
  }
}

variable "drain_s" {
  description = "Seconds, 1 to 110, that a task has for what is in its hands once it is told to stop."
  type        = number
  default     = 25

  validation {
    condition     = var.drain_s >= 1 && var.drain_s <= 110 && floor(var.drain_s) == var.drain_s
    error_message = "Whole seconds from 1 to 110."
  }
}

variable "stop_timeout_s" {
  description = "Seconds, up to Fargate's 120, from SIGTERM to SIGKILL; above drain_s, as the last spans and lines take some time."
  type        = number
  default     = 60

  validation {
    condition     = var.stop_timeout_s >= 2 && var.stop_timeout_s <= 120
    error_message = "2 to 120 seconds: Fargate allows no more."
  }
  validation {
    condition     = var.stop_timeout_s >= var.drain_s + 10
    error_message = "stop_timeout_s must be at least 10 s above drain_s, or tasks are killed while they drain."
  }
}

variable "vpc_id" {
  description = "The VPC of the tasks. They need a way out to AWS's endpoints, and nobody needs a way in."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_id))
    error_message = "A VPC's id: vpc- and 8 or 17 hexadecimal digits."
  }
}

variable "subnet_ids" {
  description = "Subnets of the tasks, in at least two Availability Zones."
  type        = list(string)

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2
    error_message = "At least two subnets, in different Availability Zones: one zone may fail."
  }
  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))])
    error_message = "A subnet's id: subnet- and 8 or 17 hexadecimal digits."
  }
}

variable "assign_public_ip" {
  description = "Whether tasks have public addresses: only where their subnets have no NAT gateway or endpoints."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days for which logs are kept, a number that CloudWatch Logs offers."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827], var.log_retention_days)
    error_message = "CloudWatch Logs offers 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096 and 1827 days."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key of queues, tables, buckets and logs, and of the workers' own encryption."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "arn:aws:kms:REGION:ACCOUNT:key/KEY-ID: an alias is no ARN that a policy can name."
  }
}

variable "table_arns" {
  description = "ARNs of the DynamoDB tables by their logical names."
  type        = map(string)

  validation {
    condition     = length(setsubtract(["sessions", "suppressions", "profiles", "deliveries", "fleet", "calls"], keys(var.table_arns))) == 0
    error_message = "The tables sessions, suppressions, profiles, deliveries, fleet and calls are needed."
  }
  validation {
    condition     = alltrue([for arn in values(var.table_arns) : can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9._-]{3,255}$", arn))])
    error_message = "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME"
  }
}

variable "bucket_arns" {
  description = "ARNs of the S3 buckets by their logical names: media, deferred, config."
  type        = map(string)

  validation {
    condition     = length(setsubtract(["media", "deferred", "config"], keys(var.bucket_arns))) == 0
    error_message = "The buckets media, deferred and config are needed."
  }
  validation {
    condition     = alltrue([for arn in values(var.bucket_arns) : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9.-]{3,63}$", arn))])
    error_message = "arn:aws:s3:::NAME"
  }
}

variable "schedules" {
  description = "EventBridge Scheduler's group for deferred messages, by name, and the ARN of the role that it becomes to send them."
  type = object({
    group    = string
    role_arn = string
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,64}$", var.schedules.group))
    error_message = "Scheduler takes names of 1 to 64 letters, digits, and ._- for a group."
  }
  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", var.schedules.role_arn))
    error_message = "role_arn is arn:aws:iam::ACCOUNT:role/NAME."
  }
}

variable "connect_instance_arn" {
  description = "ARN of the Amazon Connect instance."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:connect:[a-z0-9-]+:[0-9]{12}:instance/[0-9a-f-]+$", var.connect_instance_arn))
    error_message = "arn:aws:connect:REGION:ACCOUNT:instance/INSTANCE-ID"
  }
}

variable "contact_flow_ids" {
  description = "Ids of the flows that chats and calls are started with."
  type        = list(string)

  validation {
    condition     = length(var.contact_flow_ids) > 0
    error_message = "At least one flow: chats start in one."
  }
  validation {
    condition     = alltrue([for id in var.contact_flow_ids : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))])
    error_message = "The id of a flow is what its ARN ends with: a UUID."
  }
}

variable "origination_arns" {
  description = "ARNs of what texts are sent from: phone numbers, pools or sender IDs of End User Messaging."
  type        = list(string)

  validation {
    condition     = length(var.origination_arns) > 0 && alltrue([for arn in var.origination_arns : can(regex("^arn:aws[a-z-]*:sms-voice:", arn))])
    error_message = "At least one ARN of End User Messaging (arn:aws:sms-voice:...)."
  }
}

variable "opt_out_list_arns" {
  description = "ARNs of the opt-out lists of the brands."
  type        = list(string)

  validation {
    condition     = alltrue([for arn in var.opt_out_list_arns : can(regex("^arn:aws[a-z-]*:sms-voice:[a-z0-9-]+:[0-9]{12}:opt-out-list/[A-Za-z0-9_-]{1,64}$", arn))])
    error_message = "arn:aws:sms-voice:REGION:ACCOUNT:opt-out-list/NAME"
  }
}

variable "configuration_set_arns" {
  description = "ARNs of End User Messaging's configuration sets of the brands; workers look at them before they start."
  type        = list(string)

  validation {
    condition     = alltrue([for arn in var.configuration_set_arns : can(regex("^arn:aws[a-z-]*:sms-voice:[a-z0-9-]+:[0-9]{12}:configuration-set/[A-Za-z0-9_-]{1,64}$", arn))])
    error_message = "arn:aws:sms-voice:REGION:ACCOUNT:configuration-set/NAME"
  }
}

variable "profiles_domain" {
  description = "Name of the Customer Profiles domain; null where no profiles are written."
  type        = string
  default     = null

  validation {
    condition     = var.profiles_domain == null ? true : can(regex("^[a-zA-Z0-9_-]{1,64}$", var.profiles_domain))
    error_message = "A domain's name: 1 to 64 letters, digits, hyphens and underscores; or null."
  }
}

variable "event_bus_arn" {
  description = "ARN of the EventBridge bus that results of reminders are put on; null where there is none."
  type        = string
  default     = null

  validation {
    condition     = var.event_bus_arn == null ? true : can(regex("^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9./_-]{1,256}$", var.event_bus_arn))
    error_message = "arn:aws:events:REGION:ACCOUNT:event-bus/NAME, or null."
  }
}

variable "suppresses_mail" {
  description = "Whether addresses go on the suppression list of SES's account too (bounces.ses_suppression_list in switchboard.toml)."
  type        = bool
  default     = false
}
