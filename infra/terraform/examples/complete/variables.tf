variable "region" {
  description = "The Region of the Connect instance."
  type        = string
}

variable "name" {
  description = "Put before the name of everything that is made."
  type        = string
  default     = "switchboard"
}

variable "connect_instance_arn" {
  description = "ARN of the Amazon Connect instance."
  type        = string
}

variable "chat_flow_id" {
  description = "Id of the imported inbound-chat flow."
  type        = string
}

variable "reminder_flow_id" {
  description = "Id of the imported appointment-reminder flow."
  type        = string
}

variable "origination_arns" {
  description = "ARNs of the phone numbers and pools that texts are sent from."
  type        = list(string)
}

variable "image" {
  description = "The image, by its digest."
  type        = string
}

variable "image_repository_arn" {
  description = "ARN of the ECR repository of the image."
  type        = string
}

variable "vpc_id" {
  description = "The VPC of the tasks."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in two or more Availability Zones."
  type        = list(string)
}
