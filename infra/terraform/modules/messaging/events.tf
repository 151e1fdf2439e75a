# EventBridge: rules on the default bus, and Scheduler's group for deferred messages and ticks.

resource "aws_cloudwatch_event_rule" "rule" {
  for_each = var.rules

  name          = each.value.name
  description   = "Onto the queue ${each.value.queue}, whole."
  event_pattern = each.value.pattern
}

resource "aws_cloudwatch_event_target" "queue" {
  for_each = var.rules

  rule = aws_cloudwatch_event_rule.rule[each.key].name
  arn  = aws_sqs_queue.queue[each.value.queue].arn

  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered["rules"].arn
  }
}

resource "aws_scheduler_schedule_group" "deferred" {
  name = var.deferral.group
}

data "aws_iam_policy_document" "scheduler_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account.id]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [format(local.arn, "scheduler", "schedule-group/${var.deferral.group}")]
    }
  }
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    sid       = "SendBack"
    actions   = ["sqs:SendMessage"]
    resources = concat(values(local.queue_arns), values(local.dlq_arns))
  }
  statement {
    sid       = "EncryptForQueues"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sqs.${var.account.region}.amazonaws.com"]
    }
  }
  # What a schedule holds is encrypted with its own ARN as context (EventBridge Scheduler user guide,
  # "Encryption at rest").
  statement {
    sid       = "OpenSchedules"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.this.arn]
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:scheduler:schedule:arn"
      values   = [format(local.arn, "scheduler", "schedule/${var.deferral.group}/*")]
    }
  }
}

resource "aws_iam_role" "scheduler" {
  name               = var.deferral.role
  description        = "How EventBridge Scheduler puts deferred messages and ticks on the queues of ${var.name}."
  assume_role_policy = data.aws_iam_policy_document.scheduler_trust.json
}

resource "aws_iam_role_policy" "scheduler" {
  name   = "send"
  role   = aws_iam_role.scheduler.id
  policy = data.aws_iam_policy_document.scheduler.json
}

resource "aws_scheduler_schedule" "tick" {
  for_each = var.schedules

  name                = each.value.name
  group_name          = aws_scheduler_schedule_group.deferred.name
  schedule_expression = each.value.rate
  kms_key_arn         = aws_kms_key.this.arn

  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_sqs_queue.queue[each.value.queue].arn
    role_arn = aws_iam_role.scheduler.arn
    input    = each.value.input

    # Then the next one is due.
    retry_policy {
      maximum_event_age_in_seconds = 300
      maximum_retry_attempts       = 10
    }
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters[each.value.queue].arn
    }
  }

  # A tick before the role may open and send it would be a dead letter.
  depends_on = [aws_iam_role_policy.scheduler]
}
