# The legacy path: records of Pinpoint's event stream, from Kinesis through a pipe.

locals {
  pinpoint      = var.legacy_pinpoint ? { stream = var.pinpoint_queue } : {}
  pinpoint_name = "${var.name}-pinpoint"
}

resource "aws_kinesis_stream" "pinpoint" {
  for_each = local.pinpoint

  name             = local.pinpoint_name
  encryption_type  = "KMS"
  kms_key_id       = aws_kms_key.this.arn
  retention_period = 168

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}

data "aws_iam_policy_document" "pipe_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["pipes.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account.id]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [format(local.arn, "pipes", "pipe/${local.pinpoint_name}")]
    }
  }
}

data "aws_iam_policy_document" "pipe" {
  for_each = local.pinpoint

  statement {
    sid = "ReadStream"
    actions = [
      "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
      "kinesis:GetShardIterator", "kinesis:ListShards",
    ]
    resources = [aws_kinesis_stream.pinpoint[each.key].arn]
  }
  statement {
    sid       = "PutOnQueue"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arns[each.value], aws_sqs_queue.undelivered["rules"].arn]
  }
  statement {
    sid       = "UseKeyThroughServices"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [for service in ["sqs", "kinesis"] : "${service}.${var.account.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "pipe" {
  for_each = local.pinpoint

  name               = local.pinpoint_name
  description        = "How EventBridge Pipes carries records from the stream to the queue of ${var.name}."
  assume_role_policy = data.aws_iam_policy_document.pipe_trust.json
}

resource "aws_iam_role_policy" "pipe" {
  for_each = local.pinpoint

  name   = "carry"
  role   = aws_iam_role.pipe[each.key].id
  policy = data.aws_iam_policy_document.pipe[each.key].json
}

resource "aws_pipes_pipe" "pinpoint" {
  for_each = local.pinpoint

  name        = local.pinpoint_name
  description = "Records of Pinpoint's stream, each as it is, onto the queue."
  role_arn    = aws_iam_role.pipe[each.key].arn
  source      = aws_kinesis_stream.pinpoint[each.key].arn
  target      = aws_sqs_queue.queue[each.value].arn

  source_parameters {
    kinesis_stream_parameters {
      starting_position             = "TRIM_HORIZON"
      batch_size                    = 10
      maximum_retry_attempts        = 100
      maximum_record_age_in_seconds = 604800
      dead_letter_config {
        arn = aws_sqs_queue.undelivered["rules"].arn
      }
    }
  }

  depends_on = [aws_iam_role_policy.pipe]
}
