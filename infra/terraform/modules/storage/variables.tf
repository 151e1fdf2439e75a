variable "name" {
  description = "Put before the name of everything that is made."
  type        = string
}

variable "account_id" {
  description = "The account's id: it ends the buckets' names, which are everybody's."
  type        = string
}

variable "partition" {
  description = "The partition of every ARN: aws, aws-us-gov or aws-cn."
  type        = string
  default     = "aws"
}

variable "tables" {
  description = "Tables, as modules/topology puts them out."
  type = map(object({
    partition_key = string
    sort_key      = string
    ttl_attribute = string
    name          = string
  }))
}

variable "buckets" {
  description = "Days after which objects are deleted, by the bucket's logical name."
  type        = map(number)

  validation {
    condition     = !contains(keys(var.buckets), "config")
    error_message = "The bucket config is made for switchboard.toml already."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that tables and buckets are encrypted with."
  type        = string
}

variable "configuration_file" {
  description = "Path of switchboard.toml. Each content is a version of its object; workers are told which."
  type        = string
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted, and buckets that are not empty. Off only for what is to be thrown away."
  type        = bool
  default     = true
}
