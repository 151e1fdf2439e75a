# What tests/infra plans: fleet and watch together, over the topology that ships, on an account that
# does not exist. ARNs are written out, so that policies are whole in the plan.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90, < 7.0"
    }
  }
}

provider "aws" {
  region                      = local.region
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

locals {
  topology = jsondecode(file("${path.module}/../../../../../topology.json"))
  region   = "eu-west-1"
  account  = "111122223333"
  name     = "switchboard-test"
  arn      = "arn:aws:%s:${local.region}:${local.account}:%s"
  key      = format(local.arn, "kms", "key/11111111-2222-4333-8444-555555555555")
  queues = {
    for queue in local.topology.queues : queue.name => {
      handler = queue.handler
      arn     = format(local.arn, "sqs", "${local.name}-${queue.name}")
      dlq_arn = format(local.arn, "sqs", "${local.name}-${queue.dlq.name}")
    }
  }
}

module "fleet" {
  source = "../.."

  name               = local.name
  queues             = local.queues
  services           = { for service in local.topology.services : service.name => { queues = service.queues } }
  image              = "${local.account}.dkr.ecr.${local.region}.amazonaws.com/switchboard:1"
  metrics_namespace  = "Switchboard/test"
  vpc_id             = "vpc-0123456789abcdef0"
  subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  worker_environment = { SWITCHBOARD_CONFIG = "s3://${local.name}-config/switchboard.toml?versionId=abc" }

  image_repository_arn   = format(local.arn, "ecr", "repository/switchboard")
  kms_key_arn            = local.key
  table_arns             = { for table in local.topology.tables : table.name => format(local.arn, "dynamodb", "table/${local.name}-${table.name}") }
  bucket_arns            = { for bucket in ["media", "deferred", "config"] : bucket => "arn:aws:s3:::${local.name}-${bucket}" }
  schedules              = { group = "${local.name}-deferred", role_arn = "arn:aws:iam::${local.account}:role/${local.name}-deferral" }
  connect_instance_arn   = format(local.arn, "connect", "instance/11111111-2222-4333-8444-555555555555")
  contact_flow_ids       = ["22222222-2222-4333-8444-555555555555"]
  origination_arns       = [format(local.arn, "sms-voice", "phone-number/phone-1234")]
  opt_out_list_arns      = [format(local.arn, "sms-voice", "opt-out-list/Default")]
  configuration_set_arns = [format(local.arn, "sms-voice", "configuration-set/switchboard")]
  profiles_domain        = "customers"
  event_bus_arn          = format(local.arn, "events", "event-bus/default")
  suppresses_mail        = true
}

module "watch" {
  source = "../../../watch"

  name                    = local.name
  region                  = local.region
  metrics_namespace       = "Switchboard/test"
  services                = { for service in local.topology.services : service.name => service.queues }
  cluster_name            = local.name
  queue_names             = [for queue in local.topology.queues : "${local.name}-${queue.name}"]
  dead_letter_queues      = { for queue in local.topology.queues : queue.name => "${local.name}-${queue.dlq.name}" }
  kms_key_arn             = local.key
  monthly_spend_limit_usd = 500
  monthly_budget_usd      = 100
}
