# What may not be, on a provider that plays AWS. Each run costs two starts of the provider, so it breaks
# one rule of several variables at once, of those that do not wait for each other's.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/ours" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:any" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:any" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/any" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name                 = "test"
  account              = { id = "111122223333", region = "eu-west-1", partition = "aws" }
  queues               = { texts = { name = "a", visibility_timeout_s = 30, retention_s = 345600, receive_wait_s = 20, max_receive_count = 1000, dlq_name = "a-dlq", dlq_retention_s = 1209600 } }
  topics               = { numbers = { name = "test-numbers", publisher = "sms-voice.amazonaws.com" } }
  subscriptions        = { numbers = "texts" }
  rules                = { calls = { name = "test-calls", queue = "texts", pattern = "{\"source\": [\"aws.connect\"]}" } }
  deferral             = { group = "test-deferred", role = "test-back" }
  schedules            = { sweep = { name = "test-sweep", rate = "rate(5 minutes)", queue = "texts", input = "{\"tick\": \"now\"}" } }
  connect_instance_arn = "arn:aws:connect:eu-west-1:111122223333:instance/11111111-2222-4333-8444-555555555555"
  pinpoint_queue       = "texts"
}

run "what_lies_on_the_border_is_taken" {
  command = plan
  variables {
    queues    = { texts = merge(var.queues.texts, { visibility_timeout_s = 43200, retention_s = 1209600, receive_wait_s = 1, max_receive_count = 100 }) }
    schedules = { sweep = { name = "test-sweep", rate = "rate(2 hours)", queue = "texts", input = "{}" } }
  }

  assert {
    condition     = length(aws_sqs_queue.queue) == 1 && length(aws_scheduler_schedule.tick) == 1
    error_message = "One queue, one schedule."
  }
}

run "names_that_aws_does_not_take" {
  command = plan
  variables {
    name     = "Not A Name"
    queues   = { texts = merge(var.queues.texts, { name = "a.fifo" }) }
    topics   = { numbers = { name = "test-numbers.fifo", publisher = "sms-voice.amazonaws.com" } }
    deferral = { group = "test/deferred", role = "test-back" }
  }
  expect_failures = [var.name, var.queues, var.topics, var.deferral]
}

run "a_queue_that_is_its_own_dead_letter_queue_and_nobody_as_somebody" {
  command = plan
  variables {
    account  = { id = "clinic", region = "eu-west-1", partition = "aws" }
    queues   = { texts = merge(var.queues.texts, { dlq_name = "a" }) }
    topics   = { numbers = { name = "test-numbers", publisher = "111122223333" } }
    deferral = { group = "test-deferred", role = "" }
  }
  expect_failures = [var.account, var.queues, var.topics, var.deferral]
}

run "a_visibility_that_ends_before_it_can_be_extended_and_a_key_that_is_gone_at_once" {
  command = plan
  variables {
    queues                   = { texts = merge(var.queues.texts, { visibility_timeout_s = 9 }) }
    key_deletion_window_days = 1
  }
  expect_failures = [var.queues, var.key_deletion_window_days]
}

run "a_short_poll_and_a_region_by_its_city" {
  command = plan
  variables {
    account = { id = "111122223333", region = "Ireland", partition = "aws" }
    queues  = { texts = merge(var.queues.texts, { receive_wait_s = 0 }) }
  }
  expect_failures = [var.account, var.queues]
}

run "a_retention_that_sqs_has_not_and_a_partition_that_is_none" {
  command = plan
  variables {
    account = { id = "111122223333", region = "eu-west-1", partition = "azure" }
    queues  = { texts = merge(var.queues.texts, { retention_s = 59 }) }
  }
  expect_failures = [var.account, var.queues]
}

run "a_dead_letter_queue_that_forgets_as_soon_as_its_queue" {
  command = plan
  variables {
    queues = { texts = merge(var.queues.texts, { dlq_retention_s = 345600 }) }
  }
  expect_failures = [var.queues]
}

run "a_net_that_is_a_retry_policy" {
  command = plan
  variables {
    queues = { texts = merge(var.queues.texts, { max_receive_count = 5 }) }
  }
  expect_failures = [var.queues]
}

run "arrows_to_nowhere" {
  command = plan
  variables {
    subscriptions        = { numbers = "letters" }
    rules                = { calls = { name = "test-calls", queue = "letters", pattern = "{\"source\": [\"aws.connect\"]}" } }
    schedules            = { sweep = { name = "test-sweep", rate = "rate(5 minutes)", queue = "letters", input = "{}" } }
    pinpoint_queue       = "letters"
    connect_instance_arn = "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-4333-8444-555555555555"
  }
  expect_failures = [var.subscriptions, var.rules, var.schedules, var.pinpoint_queue, var.connect_instance_arn]
}

run "arrows_from_nowhere_and_by_names_that_aws_does_not_take" {
  command = plan
  variables {
    subscriptions        = { news = "texts" }
    rules                = { calls = { name = "test calls", queue = "texts", pattern = "{\"source\": [\"aws.connect\"]}" } }
    schedules            = { sweep = { name = "test sweep", rate = "rate(5 minutes)", queue = "texts", input = "{}" } }
    connect_instance_arn = "arn:aws:connect:eu-west-1:111122223333:queue/1"
  }
  expect_failures = [var.subscriptions, var.rules, var.schedules, var.connect_instance_arn]
}

run "a_rule_that_takes_the_whole_bus_and_ticks_that_wait_for_each_other" {
  command = plan
  variables {
    rules     = { calls = { name = "test-calls", queue = "texts", pattern = "{\"detail-type\": [\"Scheduled Event\"]}" } }
    schedules = { sweep = { name = "test-sweep", rate = "rate(4 minutes)", queue = "texts", input = "{}" } }
  }
  expect_failures = [var.rules, var.schedules]
}

run "ticks_that_say_nothing" {
  command = plan
  variables {
    schedules = { sweep = { name = "test-sweep", rate = "rate(5 minutes)", queue = "texts", input = "tick" } }
  }
  expect_failures = [var.schedules]
}
