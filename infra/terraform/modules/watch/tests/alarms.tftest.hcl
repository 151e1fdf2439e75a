# How many alarms there are for how many queues, and what may not be; on a provider that plays AWS.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name               = "switchboard"
  region             = "eu-west-1"
  metrics_namespace  = "Switchboard"
  services           = { conversations = ["inbound-sms", "chat-stream"] }
  cluster_name       = "switchboard"
  queue_names        = ["switchboard-inbound-sms", "switchboard-chat-stream"]
  dead_letter_queues = { inbound-sms = "switchboard-inbound-sms-dlq", chat-stream = "switchboard-chat-stream-dlq" }
  kms_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/1"
}

run "one_alarm_stands_for_all_queues" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.unpolled) == 1 && keys(aws_cloudwatch_metric_alarm.held) == ["dead-letters-0", "queue-depth-0"]
    error_message = "One alarm for up to ten queues."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.unpolled["unpolled-0"].treat_missing_data == "breaching"
    error_message = "Nobody there must be an alarm."
  }
  assert {
    condition     = length(aws_budgets_budget.this) == 0 && length(aws_sns_topic_subscription.email) == 0
    error_message = "Neither budgets nor mail without being asked for."
  }
  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "Alarms are encrypted with the key that lets CloudWatch use it."
  }
}

run "what_queues_hold_is_looked_at_as_a_dead_letter_queue_is_and_later" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.held["dead-letters-0"].threshold == 0 && aws_cloudwatch_metric_alarm.held["queue-depth-0"].threshold == 5000
    error_message = "One dead letter is one too many; a queue may hold some."
  }
  assert {
    condition = alltrue([
      for name, queues in { dead-letters-0 = values(var.dead_letter_queues), queue-depth-0 = var.queue_names } :
      toset(flatten([for query in aws_cloudwatch_metric_alarm.held[name].metric_query : [for metric in query.metric : metric.dimensions.QueueName]])) == toset(queues)
    ])
    error_message = "Each looks at its queues."
  }
}

run "no_alarm_reads_more_than_ten_queues" {
  command = plan
  variables {
    services           = { one = [for number in range(11) : "queue-${number}"] }
    queue_names        = [for number in range(11) : "switchboard-queue-${number}"]
    dead_letter_queues = { for number in range(21) : "queue-${number}" => "queue-${number}-dlq" }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.unpolled) == 2 && length(aws_cloudwatch_metric_alarm.held) == 2 + 3
    error_message = "Ten to an alarm."
  }
}

run "each_alarm_tells_the_topic_when_it_comes_and_goes" {
  command = plan

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.fleet : length(alarm.alarm_description) > 40])
    error_message = "Whoever is woken is told what to look at."
  }
}

run "a_budget_and_mail_where_they_are_asked_for" {
  command = plan
  variables {
    monthly_budget_usd = 100
    alarm_emails       = ["anna@example.com"]
  }

  assert {
    condition     = length(aws_budgets_budget.this) == 1 && length(aws_sns_topic_subscription.email) == 1
    error_message = "Both."
  }
}

run "an_address_that_is_none" {
  command = plan
  variables { alarm_emails = ["anna"] }
  expect_failures = [var.alarm_emails]
}

run "a_threshold_of_nothing" {
  command = plan
  variables { thresholds = { throttles = 0 } }
  expect_failures = [var.thresholds]
}

run "more_than_all" {
  command = plan
  variables { thresholds = { error_percent = 101 } }
  expect_failures = [var.thresholds]
}

run "shorter_than_workers_tell_of_it" {
  command = plan
  variables { thresholds = { unpolled_s = 30 } }
  expect_failures = [var.thresholds]
}

run "a_limit_of_no_money" {
  command = plan
  variables { monthly_spend_limit_usd = 0 }
  expect_failures = [var.monthly_spend_limit_usd]
}

run "a_budget_of_no_money" {
  command = plan
  variables { monthly_budget_usd = -1 }
  expect_failures = [var.monthly_budget_usd]
}

run "no_service" {
  command = plan
  variables { services = {} }
  expect_failures = [var.services]
}

run "a_name_in_capitals" {
  command = plan
  variables { name = "Switchboard" }
  expect_failures = [var.name]
}

run "a_zone_for_a_region" {
  command = plan
  variables { region = "eu-west-1a" }
  expect_failures = [var.region]
}

run "a_namespace_of_awss" {
  command = plan
  variables { metrics_namespace = "AWS/SQS" }
  expect_failures = [var.metrics_namespace]
}

run "a_cluster_by_its_arn" {
  command = plan
  variables { cluster_name = "arn:aws:ecs:eu-west-1:111122223333:cluster/switchboard" }
  expect_failures = [var.cluster_name]
}

run "a_queue_by_its_url" {
  command = plan
  variables { queue_names = ["https://sqs.eu-west-1.amazonaws.com/111122223333/inbound-sms"] }
  expect_failures = [var.queue_names]
}

run "a_dead_letter_queue_by_its_arn" {
  command = plan
  variables { dead_letter_queues = { inbound-sms = "arn:aws:sqs:eu-west-1:111122223333:inbound-sms-dlq" } }
  expect_failures = [var.dead_letter_queues]
}

run "an_alias_for_a_key" {
  command = plan
  variables { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:alias/aws/sns" }
  expect_failures = [var.kms_key_arn]
}

run "a_tag_without_a_value" {
  command = plan
  variables { budget_tag = "Application" }
  expect_failures = [var.budget_tag]
}
