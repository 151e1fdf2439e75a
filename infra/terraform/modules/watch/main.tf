# Who is told when. Metrics of the workers are those of docs/metrics.md, "What CloudWatch is told";
# tests/infra/test_watched_metrics.py compares every name here with what a running worker writes.

locals {
  queues = sort(flatten(values(var.services)))
  # arn:PARTITION:kms:REGION:ACCOUNT: of the key, for the ARN of a topic beside it.
  key_of_account = "${join(":", slice(split(":", var.kms_key_arn), 0, 5))}:"
  # A metric-math alarm reads at most ten metrics (CloudWatch user guide, "Using metric math").
  polled = { for number, queues in chunklist(local.queues, 10) : format("unpolled-%d", number) => queues }

  # Alarms on what SQS says that queues hold; what a worker has in its hands is not counted.
  held = merge(
    {
      for number, names in chunklist(sort(values(var.dead_letter_queues)), 10) : format("dead-letters-%d", number) => {
        names     = names
        says      = "A dead-letter queue is not empty: switchboard dlq ls tells what is in it and why."
        threshold = 0
        periods   = 1
      }
    },
    {
      for number, names in chunklist(sort(var.queue_names), 10) : format("queue-depth-%d", number) => {
        names     = names
        says      = "A queue has held more than ${var.thresholds.queue_depth} messages for five minutes. Look at the dashboard: is more coming than the fleet at its largest takes, or is the fleet not growing?"
        threshold = var.thresholds.queue_depth
        periods   = 5
      }
    },
  )

  # Alarms on sums and shares of the workers' metrics over all queues.
  fleet = {
    queue-age = {
      says      = "A message waited for more than ${var.thresholds.queue_age_s} s to be received. Look at the dashboard: which queue, is it scaling, is a limit holding it?"
      threshold = var.thresholds.queue_age_s
      period_s  = 60
      periods   = 5
      metrics   = { m = { name = "queue_age_seconds", stat = "Maximum", dimensions = {} } }
      math      = {}
      missing   = "notBreaching"
    }
    queue-paused = {
      says      = "A queue is paused, by the breaker after too many dead letters or by an operator: switchboard queue status says which, since when and why."
      threshold = 0
      period_s  = 60
      periods   = 1
      metrics = {
        breaker  = { name = "paused", stat = "Maximum", dimensions = { reason = "breaker" } }
        operator = { name = "paused", stat = "Maximum", dimensions = { reason = "operator" } }
      }
      math    = { m = "MAX([breaker,operator])" }
      missing = "notBreaching"
    }
    errors = {
      says      = "More than ${var.thresholds.error_percent} % of what left the workers' hands had failed. Look at the reasons in the log: delivery_settled, handler_failed."
      threshold = var.thresholds.error_percent
      period_s  = 300
      periods   = 2
      metrics = {
        outcomes = { name = "outcomes", stat = "Sum", dimensions = {} }
        attempts = { name = "attempts", stat = "Sum", dimensions = {} }
        dead     = { name = "dead_letters", stat = "Sum", dimensions = {} }
      }
      math    = { m = "IF(outcomes<20,0,100*(attempts+dead)/outcomes)" }
      missing = "notBreaching"
    }
    throttles = {
      says      = "AWS refused more than ${var.thresholds.throttles} calls for rate in five minutes. Which API: api_calls on /metrics; raise its quota, or state the true one under [quotas]."
      threshold = var.thresholds.throttles
      period_s  = 300
      periods   = 2
      metrics   = { m = { name = "throttles", stat = "Sum", dimensions = {} } }
      math      = {}
      missing   = "notBreaching"
    }
    opt-outs = {
      says      = "More than ${var.thresholds.opt_outs} people opted out within an hour: what went out to them, and to whom? Carriers watch this too."
      threshold = var.thresholds.opt_outs
      period_s  = 3600
      periods   = 1
      metrics   = { m = { name = "opt_outs", stat = "Sum", dimensions = {} } }
      math      = {}
      missing   = "notBreaching"
    }
  }

  # End User Messaging tells what is spent; the workers tell that nothing is left.
  spend_math = var.monthly_spend_limit_usd == null ? { m = "100*FILL(refused,0)" } : {
    left = "100*FILL(refused,0)"
    near = "100*FILL(spent,0)/${var.monthly_spend_limit_usd}"
    m    = "MAX([left,near])"
  }
}

data "aws_iam_policy_document" "alarms" {
  statement {
    actions   = ["sns:Publish"]
    resources = ["${replace(local.key_of_account, ":kms:", ":sns:")}${var.name}-alarms"]
    principals {
      type        = "Service"
      identifiers = concat(["cloudwatch.amazonaws.com"], var.monthly_budget_usd == null ? [] : ["budgets.amazonaws.com"])
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [split(":", var.kms_key_arn)[4]]
    }
    # modules/messaging lets the same use the key.
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values = concat(
        ["${replace(local.key_of_account, ":kms:", ":cloudwatch:")}alarm:${var.name}-*"],
        var.monthly_budget_usd == null ? [] : ["arn:${split(":", var.kms_key_arn)[1]}:budgets::${split(":", var.kms_key_arn)[4]}:*"],
      )
    }
  }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
  policy            = data.aws_iam_policy_document.alarms.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alarm_emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "held" {
  for_each = local.held

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching" # SQS says nothing of a queue that nobody has used for hours.
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dynamic "metric_query" {
    for_each = each.value.names
    content {
      id = "q${metric_query.key}"
      metric {
        namespace   = "AWS/SQS"
        metric_name = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = metric_query.value }
        stat        = "Maximum"
        period      = 60
      }
    }
  }
  metric_query {
    id          = "m"
    label       = "Messages of the queue that holds most"
    expression  = "MAX(METRICS())"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "unpolled" {
  for_each = local.polled

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "No poll of a queue has ended for ${var.thresholds.unpolled_s} s, in any task, and it is not paused. Does its service run? /healthz and the log say what it does."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.thresholds.unpolled_s
  evaluation_periods  = 3
  treat_missing_data  = "breaching" # Nobody tells of any queue: nobody is there.
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  # The least of all tasks: one that polls is enough, and ECS replaces one that does not.
  dynamic "metric_query" {
    for_each = each.value
    content {
      id = "u${metric_query.key}"
      metric {
        namespace   = var.metrics_namespace
        metric_name = "unpolled_seconds"
        dimensions  = { queue = metric_query.value }
        stat        = "Minimum"
        period      = 60
      }
    }
  }
  metric_query {
    id          = "m"
    label       = "Seconds since a poll of the queue that is worst off"
    expression  = "MAX(FILL(METRICS(),86400))"
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "fleet" {
  for_each = local.fleet

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dynamic "metric_query" {
    for_each = each.value.metrics
    content {
      id          = metric_query.key
      return_data = metric_query.key == "m"
      metric {
        namespace   = var.metrics_namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.stat
        period      = each.value.period_s
      }
    }
  }
  dynamic "metric_query" {
    for_each = each.value.math
    content {
      id          = metric_query.key
      label       = each.key
      expression  = metric_query.value
      return_data = metric_query.key == "m"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "spend" {
  alarm_name          = "${var.name}-spend"
  alarm_description   = "The month's spend limit for texts is used up, or near: ask AWS for a higher one. Texts wait until then, some until they are too old."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.thresholds.spend_percent
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id = "refused"
    metric {
      namespace   = var.metrics_namespace
      metric_name = "spend_limit_refusals"
      stat        = "Sum"
      period      = 300
    }
  }
  dynamic "metric_query" {
    for_each = var.monthly_spend_limit_usd == null ? [] : ["TextMessageMonthlySpend"]
    content {
      id = "spent"
      metric {
        namespace   = "AWS/SMSVoice"
        metric_name = metric_query.value
        stat        = "Maximum"
        period      = 300
      }
    }
  }
  dynamic "metric_query" {
    for_each = local.spend_math
    content {
      id          = metric_query.key
      label       = "Percent of the month's limit"
      expression  = metric_query.value
      return_data = metric_query.key == "m"
    }
  }
}

resource "aws_budgets_budget" "this" {
  count = var.monthly_budget_usd == null ? 0 : 1

  name         = var.name
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [var.budget_tag]
  }
  notification {
    comparison_operator       = "GREATER_THAN"
    notification_type         = "FORECASTED"
    threshold                 = 100
    threshold_type            = "PERCENTAGE"
    subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
  }
}
