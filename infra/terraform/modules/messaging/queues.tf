# Queues with their dead-letter queues. Policies are attributes, not resources of their own: one thing
# to read in a plan, and a queue is never without its policy.

locals {
  queue_arns = { for queue, one in var.queues : queue => format(local.arn, "sqs", one.name) }
  dlq_arns   = { for queue, one in var.queues : queue => format(local.arn, "sqs", one.dlq_name) }

  # Who may put messages on which queue. Scheduler and pipes do it as a role, by the role's policy.
  senders = {
    for queue in keys(var.queues) : queue => concat(
      [for topic, to in var.subscriptions : { principal = "sns.amazonaws.com", source = local.topic_arns[topic] } if to == queue],
      [for rule, one in var.rules : { principal = "events.amazonaws.com", source = local.rule_arns[rule] } if one.queue == queue],
    )
  }
  # What could not deliver, and its ARNs. The pipe sends as a role, by the role's policy.
  deliverers = {
    subscriptions = { principal = "sns.amazonaws.com", sources = values(local.topic_arns) }
    rules         = { principal = "events.amazonaws.com", sources = values(local.rule_arns) }
  }
  undelivered_names = { for deliverer in keys(local.deliverers) : deliverer => "${var.name}-${deliverer}-undelivered" }
}

data "aws_iam_policy_document" "queue" {
  for_each = var.queues

  dynamic "statement" {
    for_each = local.senders[each.key]
    content {
      actions   = ["sqs:SendMessage"]
      resources = [local.queue_arns[each.key]]
      principals {
        type        = "Service"
        identifiers = [statement.value.principal]
      }
      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [statement.value.source]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [var.account.id]
      }
    }
  }
  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queue_arns[each.key]]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = var.queues

  name                              = each.value.dlq_name
  message_retention_seconds         = each.value.dlq_retention_s
  kms_master_key_id                 = aws_kms_key.this.arn
  kms_data_key_reuse_period_seconds = 300
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arns[each.key]]
  })
}

resource "aws_sqs_queue" "queue" {
  for_each = var.queues

  name                              = each.value.name
  visibility_timeout_seconds        = each.value.visibility_timeout_s
  message_retention_seconds         = each.value.retention_s
  receive_wait_time_seconds         = each.value.receive_wait_s
  kms_master_key_id                 = aws_kms_key.this.arn
  kms_data_key_reuse_period_seconds = 300
  policy                            = data.aws_iam_policy_document.queue[each.key].json
  # The net under the worker, which sends its own copies with a reason long before.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn
    maxReceiveCount     = each.value.max_receive_count
  })
}

# What never reached a queue, by what could not deliver it. Apart from the queues' own dead letters,
# which a worker has seen.
data "aws_iam_policy_document" "undelivered" {
  for_each = local.deliverers

  statement {
    actions   = ["sqs:SendMessage"]
    resources = [format(local.arn, "sqs", local.undelivered_names[each.key])]
    principals {
      type        = "Service"
      identifiers = [each.value.principal]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = each.value.sources
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account.id]
    }
  }
}

resource "aws_sqs_queue" "undelivered" {
  for_each = local.deliverers

  name                              = local.undelivered_names[each.key]
  message_retention_seconds         = 1209600
  kms_master_key_id                 = aws_kms_key.this.arn
  kms_data_key_reuse_period_seconds = 300
  policy                            = data.aws_iam_policy_document.undelivered[each.key].json
}
