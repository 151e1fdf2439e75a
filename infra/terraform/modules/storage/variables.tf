variable "name" {
  description = "Put before the name of everything that is made, 2 to 24 characters."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "The name is 2 to 24 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "account_id" {
  description = "The account's id: it ends the buckets' names, which are everybody's."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account's id has 12 digits."
  }
}

variable "partition" {
  description = "The partition of every ARN: aws, aws-us-gov or aws-cn."
  type        = string
  default     = "aws"

  validation {
    condition     = contains(["aws", "aws-us-gov", "aws-cn"], var.partition)
    error_message = "The partition is aws, aws-us-gov or aws-cn."
  }
}

variable "tables" {
  description = "Tables, as modules/topology puts them out."
  type = map(object({
    partition_key = string
    sort_key      = string
    ttl_attribute = string
    name          = string
  }))

  validation {
    condition     = alltrue([for one in var.tables : can(regex("^[A-Za-z0-9._-]{3,255}$", one.name))])
    error_message = "DynamoDB takes names of 3 to 255 letters, digits, dots, hyphens and underscores."
  }
  validation {
    condition     = alltrue([for one in var.tables : length(distinct(compact([one.partition_key, one.sort_key, one.ttl_attribute]))) == (one.sort_key == null ? 2 : 3)])
    error_message = "Keys and TTL need attributes of their own."
  }
}

variable "buckets" {
  description = "Days, 1 to 365, after which objects are deleted, by the bucket's logical name."
  type        = map(number)

  validation {
    condition     = !contains(keys(var.buckets), "config")
    error_message = "The bucket config is made for switchboard.toml already."
  }
  validation {
    condition     = alltrue([for days in values(var.buckets) : days >= 1 && days <= 365 && floor(days) == days])
    error_message = "Objects are kept for whole days, 1 to 365: nothing of customers' is kept for ever."
  }
  validation {
    condition     = alltrue([for bucket in keys(var.buckets) : can(regex("^[a-z0-9-]+$", bucket)) && length("${var.name}-${bucket}-${var.account_id}") <= 63])
    error_message = "S3 takes names of at most 63 lower-case letters, digits and hyphens, and this one stands between the deployment's and the account's."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that tables and buckets are encrypted with."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "arn:aws:kms:REGION:ACCOUNT:key/KEY-ID: S3 takes a bare id for one of whoever writes."
  }
}

variable "configuration_file" {
  description = "Path of switchboard.toml. Each content is a version of its object; workers are told which."
  type        = string

  validation {
    condition     = can(file(var.configuration_file))
    error_message = "There is no such file."
  }
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted, and buckets that are not empty. Off only for what is to be thrown away."
  type        = bool
  default     = true
}
