# One key for queues, topics, tables, buckets and logs. It is our own because SNS, EventBridge and the
# services that publish to our topics cannot use the keys that AWS manages (alias/aws/sqs and its like).

locals {
  arn = "arn:${var.account.partition}:%s:${var.account.region}:${var.account.id}:%s"

  topic_arns = { for topic, one in var.topics : topic => format(local.arn, "sns", one.name) }
  rule_arns  = { for rule, one in var.rules : rule => format(local.arn, "events", "rule/${one.name}") }

  # Who encrypts or decrypts with the key, and for what only. Roles need no entry: what they may do
  # is in their own policies, which the account's statement lets count.
  #
  # All of these tell KMS on whose behalf they ask (SQS developer guide and SNS developer guide, "Key
  # management"). EventBridge does so for queues only: a rule whose target is a topic of this key would
  # deliver nothing.
  key_users = merge(
    {
      DeliverFromTopics = {
        principal  = "sns.amazonaws.com"
        conditions = [["ArnEquals", "aws:SourceArn", values(local.topic_arns)]]
      }
      DeliverFromRules = {
        principal  = "events.amazonaws.com"
        conditions = [["ArnEquals", "aws:SourceArn", values(local.rule_arns)]]
      }
      # The topic of modules/watch, which lets in the same two.
      TellOfAlarms = {
        principal  = "cloudwatch.amazonaws.com"
        conditions = [["ArnLike", "aws:SourceArn", [format(local.arn, "cloudwatch", "alarm:${var.name}-*")]]]
      }
      TellOfBudgets = {
        principal  = "budgets.amazonaws.com"
        conditions = [["ArnLike", "aws:SourceArn", ["arn:${var.account.partition}:budgets::${var.account.id}:*"]]]
      }
    },
    {
      for publisher in distinct(values(var.topics)[*].publisher) : "Publish${replace(title(split(".", publisher)[0]), "-", "")}" => {
        principal  = publisher
        conditions = []
      }
    },
  )
}

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:The account manages its own key, as by KMS's default key policy: else nobody could.
  #checkov:skip=CKV_AWS_111:In a key's policy "*" is this key alone, and every service's statement has conditions.
  #checkov:skip=CKV_AWS_356:In a key's policy "*" is this key alone, and KMS takes no other resource there.
  statement {
    sid       = "AccountDecides"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${var.account.partition}:iam::${var.account.id}:root"]
    }
  }
  dynamic "statement" {
    for_each = local.key_users
    content {
      sid       = statement.key
      actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
      resources = ["*"]
      principals {
        type        = "Service"
        identifiers = [statement.value.principal]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [var.account.id]
      }
      dynamic "condition" {
        for_each = statement.value.conditions
        content {
          test     = condition.value[0]
          variable = condition.value[1]
          values   = condition.value[2]
        }
      }
    }
  }
  statement {
    # CloudWatch Logs says for which log group by its context, not by its source.
    sid       = "KeepLogs"
    actions   = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.${var.account.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = [format(local.arn, "logs", "log-group:/${var.name}/*")]
    }
  }
}

resource "aws_kms_key" "this" {
  description             = "Switchboard ${var.name}: queues, topics, tables, buckets, logs, and conversations' data keys."
  policy                  = data.aws_iam_policy_document.key.json
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_window_days
}
