# Topics that AWS services publish to. No filter policies: SNS drops what lacks an attribute that a
# policy names, and chat.ended has no role. The workers let go of what they do not need.

locals {
  # What a publisher says of itself, where it says more than its account.
  publisher_sources = {
    "connect.amazonaws.com" = [var.connect_instance_arn]
  }
}

data "aws_iam_policy_document" "topic" {
  for_each = var.topics

  statement {
    actions   = ["sns:Publish"]
    resources = [local.topic_arns[each.key]]
    principals {
      type        = "Service"
      identifiers = [each.value.publisher]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account.id]
    }
    dynamic "condition" {
      for_each = lookup(local.publisher_sources, each.value.publisher, null) == null ? [] : [1]
      content {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = [for arn in local.publisher_sources[each.value.publisher] : "${arn}*"]
      }
    }
  }
}

resource "aws_sns_topic" "topic" {
  for_each = var.topics

  name              = each.value.name
  kms_master_key_id = aws_kms_key.this.arn
  policy            = data.aws_iam_policy_document.topic[each.key].json
}

resource "aws_sns_topic_subscription" "queue" {
  for_each = var.subscriptions

  topic_arn = aws_sns_topic.topic[each.key].arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.queue[each.value].arn
  # A text's only time is in the SNS envelope, and the workers put texts in order by it.
  raw_message_delivery = false
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.undelivered["subscriptions"].arn })
}
