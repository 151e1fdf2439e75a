# What may not be: one run for each rule, on a provider that plays AWS.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name = "switchboard"
  queues = {
    inbound-sms = {
      handler = "inbound_sms"
      arn     = "arn:aws:sqs:eu-west-1:111122223333:inbound-sms"
      dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:inbound-sms-dlq"
    }
  }
  services               = { conversations = { queues = ["inbound-sms"] } }
  image                  = "switchboard:1"
  worker_environment     = { SWITCHBOARD_CONFIG = "s3://config/switchboard.toml?versionId=abc" }
  metrics_namespace      = "Switchboard"
  vpc_id                 = "vpc-0123456789abcdef0"
  subnet_ids             = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  kms_key_arn            = "arn:aws:kms:eu-west-1:111122223333:key/1"
  table_arns             = { for name in ["sessions", "suppressions", "profiles", "deliveries", "fleet", "calls"] : name => "arn:aws:dynamodb:eu-west-1:111122223333:table/${name}" }
  bucket_arns            = { for name in ["media", "deferred", "config"] : name => "arn:aws:s3:::${name}" }
  schedules              = { group = "deferred", role_arn = "arn:aws:iam::111122223333:role/deferral" }
  connect_instance_arn   = "arn:aws:connect:eu-west-1:111122223333:instance/11111111-2222-4333-8444-555555555555"
  contact_flow_ids       = ["22222222-2222-4333-8444-555555555555"]
  origination_arns       = ["arn:aws:sms-voice:eu-west-1:111122223333:phone-number/phone-1"]
  opt_out_list_arns      = ["arn:aws:sms-voice:eu-west-1:111122223333:opt-out-list/Default"]
  configuration_set_arns = ["arn:aws:sms-voice:eu-west-1:111122223333:configuration-set/texts"]
}

run "what_stands_above_is_taken" {
  command = plan

  assert {
    condition     = length(aws_ecs_service.service) == 1
    error_message = "One service."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.service["conversations"].container_definitions)[0].stopTimeout > var.drain_s
    error_message = "Tasks are killed while they drain."
  }
}

run "a_handler_without_permissions" {
  command = plan
  variables {
    queues = { inbound-sms = { handler = "unheard_of", arn = "arn:aws:sqs:eu-west-1:111122223333:a", dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:b" } }
  }
  expect_failures = [var.queues]
}

run "a_queue_that_no_service_takes" {
  command = plan
  variables { services = { conversations = { queues = [] } } }
  expect_failures = [var.services]
}

run "a_queue_that_two_services_take" {
  command = plan
  variables { services = { one = { queues = ["inbound-sms"] }, two = { queues = ["inbound-sms"] } } }
  expect_failures = [var.services]
}

run "more_queues_than_a_scaling_policy_reads" {
  command = plan
  variables {
    queues   = { for number in range(9) : "queue-${number}" => { handler = "inbound_sms", arn = "arn:aws:sqs:eu-west-1:111122223333:a", dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:b" } }
    services = { conversations = { queues = [for number in range(9) : "queue-${number}"] } }
  }
  expect_failures = [var.services]
}

run "more_tasks_at_least_than_at_most" {
  command = plan
  variables { services = { conversations = { queues = ["inbound-sms"], min_tasks = 5, max_tasks = 4 } } }
  expect_failures = [var.services]
}

run "more_than_one_vcpu_for_one_event_loop" {
  command = plan
  variables { services = { conversations = { queues = ["inbound-sms"], cpu = 2048, memory = 4096 } } }
  expect_failures = [var.services]
}

run "a_target_without_sense" {
  command = plan
  variables { services = { conversations = { queues = ["inbound-sms"], backlog_per_task = 0 } } }
  expect_failures = [var.services]
}

run "an_image_without_a_tag" {
  command = plan
  variables { image = "switchboard" }
  expect_failures = [var.image]
}

run "an_architecture_that_fargate_has_not" {
  command = plan
  variables { cpu_architecture = "RISCV" }
  expect_failures = [var.cpu_architecture]
}

run "a_configuration_without_its_version" {
  command = plan
  variables { worker_environment = { SWITCHBOARD_CONFIG = "s3://config/switchboard.toml" } }
  expect_failures = [var.worker_environment]
}

run "a_namespace_of_awss" {
  command = plan
  variables { metrics_namespace = "AWS/Switchboard" }
  expect_failures = [var.metrics_namespace]
}

run "a_drain_of_no_time" {
  command = plan
  variables { drain_s = 0 }
  expect_failures = [var.drain_s]
}

run "a_kill_within_the_drain" {
  command = plan
  variables {
    drain_s        = 60
    stop_timeout_s = 65
  }
  expect_failures = [var.stop_timeout_s]
}

run "a_stop_timeout_above_fargates" {
  command = plan
  variables { stop_timeout_s = 121 }
  expect_failures = [var.stop_timeout_s]
}

run "one_subnet" {
  command = plan
  variables { subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef0"] }
  expect_failures = [var.subnet_ids]
}

run "a_retention_that_cloudwatch_has_not" {
  command = plan
  variables { log_retention_days = 100 }
  expect_failures = [var.log_retention_days]
}

run "a_table_too_few" {
  command = plan
  variables { table_arns = { sessions = "arn:aws:dynamodb:eu-west-1:111122223333:table/sessions" } }
  expect_failures = [var.table_arns]
}

run "a_bucket_too_few" {
  command = plan
  variables { bucket_arns = { media = "arn:aws:s3:::media" } }
  expect_failures = [var.bucket_arns]
}

run "an_instance_by_its_id" {
  command = plan
  variables { connect_instance_arn = "11111111-2222-4333-8444-555555555555" }
  expect_failures = [var.connect_instance_arn]
}

run "no_flow" {
  command = plan
  variables { contact_flow_ids = [] }
  expect_failures = [var.contact_flow_ids]
}

run "a_number_that_is_no_arn" {
  command = plan
  variables { origination_arns = ["+12065550100"] }
  expect_failures = [var.origination_arns]
}

run "a_name_in_capitals" {
  command = plan
  variables { name = "Switchboard" }
  expect_failures = [var.name]
}

run "a_queue_by_its_url" {
  command = plan
  variables { queues = { inbound-sms = { handler = "inbound_sms", arn = "https://sqs.eu-west-1.amazonaws.com/111122223333/a", dlq_arn = "arn:aws:sqs:eu-west-1:111122223333:b" } } }
  expect_failures = [var.queues]
}

run "a_repository_by_its_address" {
  command = plan
  variables { image_repository_arn = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/switchboard" }
  expect_failures = [var.image_repository_arn]
}

run "a_vpc_by_its_name" {
  command = plan
  variables { vpc_id = "main" }
  expect_failures = [var.vpc_id]
}

run "subnets_by_their_names" {
  command = plan
  variables { subnet_ids = ["private-a", "private-b"] }
  expect_failures = [var.subnet_ids]
}

run "an_alias_for_a_key" {
  command = plan
  variables { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/switchboard" }
  expect_failures = [var.kms_key_arn]
}

run "tables_by_their_names" {
  command = plan
  variables { table_arns = { for name in ["sessions", "suppressions", "profiles", "deliveries", "fleet", "calls"] : name => name } }
  expect_failures = [var.table_arns]
}

run "buckets_by_their_names" {
  command = plan
  variables { bucket_arns = { for name in ["media", "deferred", "config"] : name => name } }
  expect_failures = [var.bucket_arns]
}

run "a_schedule_group_by_its_arn" {
  command = plan
  variables { schedules = { group = "arn:aws:scheduler:eu-west-1:111122223333:schedule-group/deferred", role_arn = "arn:aws:iam::111122223333:role/deferral" } }
  expect_failures = [var.schedules]
}

run "a_role_by_its_name" {
  command = plan
  variables { schedules = { group = "deferred", role_arn = "deferral" } }
  expect_failures = [var.schedules]
}

run "a_flow_by_its_name" {
  command = plan
  variables { contact_flow_ids = ["Inbound chat"] }
  expect_failures = [var.contact_flow_ids]
}

run "an_opt_out_list_by_its_name" {
  command = plan
  variables { opt_out_list_arns = ["Default"] }
  expect_failures = [var.opt_out_list_arns]
}

run "a_configuration_set_by_its_name" {
  command = plan
  variables { configuration_set_arns = ["texts"] }
  expect_failures = [var.configuration_set_arns]
}

run "a_domain_by_its_arn" {
  command = plan
  variables { profiles_domain = "arn:aws:profile:eu-west-1:111122223333:domains/customers" }
  expect_failures = [var.profiles_domain]
}

run "a_bus_by_its_name" {
  command = plan
  variables { event_bus_arn = "default" }
  expect_failures = [var.event_bus_arn]
}
