# What a task may do follows from the handlers of the queues that it takes. Two roles are needed: ECS
# pulls the image and writes the log with one, the worker calls AWS with the other.
#
# tests/infra/test_grants.py compares this table with the calls in the code: a call without a grant
# fails there, and a grant without a call.

locals {
  # The tools that each handler is built with (workers/routing.py says who hears of what).
  capabilities = {
    inbound_sms       = ["relay", "calls", "profiles"]
    chat_stream       = ["relay"]
    contact_events    = ["relay", "calls"]
    delivery_receipts = ["relay", "bounces", "calls", "profiles"]
    chat_commands     = ["relay"]
    engagement_events = ["bounces", "profiles"]
    reminders         = ["calls", "profiles"]
    timers            = ["calls", "opt_out_sync"]
  }
  service_capabilities = {
    for name, service in var.services : name => toset(concat(["runtime"], flatten([
      for queue in service.queues : local.capabilities[var.queues[queue].handler]
    ])))
  }

  region     = split(":", var.connect_instance_arn)[3]
  account_id = split(":", var.connect_instance_arn)[4]
  partition  = split(":", var.connect_instance_arn)[1]
  in_region  = "arn:${local.partition}:%s:${local.region}:${local.account_id}:%s"
  config_key = regex("^s3://[^/]+/(.+)\\?versionId=", var.worker_environment["SWITCHBOARD_CONFIG"])[0]
  profiles   = var.profiles_domain == null ? [] : [format(local.in_region, "profile", "domains/${var.profiles_domain}")]

  table_actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"]

  # Those with no resources are left out. Conditions: by AWS's test, key and values.
  grants = {
    KeepCount = {
      of        = ["runtime"]
      actions   = local.table_actions
      resources = [var.table_arns["deliveries"], var.table_arns["fleet"]]
    }
    KeepDataKey = {
      of        = ["runtime"]
      actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
      resources = [var.table_arns["sessions"]]
      condition = ["ForAllValues:StringLike", "dynamodb:LeadingKeys", ["K#*"]]
    }
    KeepConversations = {
      of        = ["relay", "calls"]
      actions   = local.table_actions
      resources = [var.table_arns["sessions"]]
    }
    KeepSuppressions = {
      of        = ["relay", "bounces", "calls", "opt_out_sync"]
      actions   = local.table_actions
      resources = [var.table_arns["suppressions"]]
    }
    KeepCalls = {
      of        = ["calls"]
      actions   = local.table_actions
      resources = [var.table_arns["calls"]]
    }
    KeepPeople = {
      of        = ["profiles"]
      actions   = local.table_actions
      resources = [var.table_arns["profiles"]]
    }
    ReadConfiguration = {
      of        = ["runtime"]
      actions   = ["s3:GetObjectVersion"]
      resources = ["${var.bucket_arns["config"]}/${local.config_key}"]
    }
    ParkDeferred = {
      of        = ["runtime"]
      actions   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]
      resources = ["${var.bucket_arns["deferred"]}/*"]
    }
    ShelveFiles = {
      of        = ["relay"]
      actions   = ["s3:PutObject", "s3:GetObject"]
      resources = ["${var.bucket_arns["media"]}/*"]
    }
    Defer = {
      of        = ["runtime"]
      actions   = ["scheduler:CreateSchedule"]
      resources = [format(local.in_region, "scheduler", "schedule/${var.schedules.group}/*")]
    }
    LendRoleToScheduler = {
      of        = ["runtime"]
      actions   = ["iam:PassRole"]
      resources = [var.schedules.role_arn]
      condition = ["StringEquals", "iam:PassedToService", ["scheduler.amazonaws.com"]]
    }
    # The data keys of conversations, by the worker itself (workers/stores/crypto.py).
    OpenDataKeys = {
      of        = ["runtime"]
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.kms_key_arn]
      condition = ["StringEquals", "kms:EncryptionContext:application", ["switchboard"]]
    }
    # What queues, buckets and tables are encrypted with, by these services only.
    UseKeyThroughServices = {
      of        = ["runtime"]
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.kms_key_arn]
      condition = ["StringEquals", "kms:ViaService", [
        for service in ["sqs", "s3", "dynamodb"] :
        "${service}.${local.region}.${local.partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com"}"
      ]]
    }
    LookAtConfigurationSets = {
      of        = ["runtime"]
      actions   = ["sms-voice:DescribeConfigurationSets"]
      resources = var.configuration_set_arns
    }
    SendCommands = {
      of        = ["relay", "calls"]
      actions   = ["sqs:SendMessage"]
      resources = [for queue in var.queues : queue.arn if contains(["chat_commands", "reminders"], queue.handler)]
    }
    StartContacts = {
      of        = ["relay"]
      actions   = ["connect:StartChatContact"]
      resources = [for flow in var.contact_flow_ids : "${var.connect_instance_arn}/contact-flow/${flow}"]
    }
    HoldChats = {
      of        = ["relay"]
      actions   = ["connect:StartContactStreaming", "connect:StopContact", "connect:UpdateContactAttributes", "connect:DescribeContact"]
      resources = ["${var.connect_instance_arn}/contact/*"]
    }
    Dial = {
      of        = ["calls"]
      actions   = ["connect:StartOutboundVoiceContact", "connect:DescribeContact"]
      resources = ["${var.connect_instance_arn}/contact/*"]
    }
    SendTexts = {
      of        = ["relay", "calls"]
      actions   = ["sms-voice:SendTextMessage", "sms-voice:SendMediaMessage"]
      resources = var.origination_arns
    }
    OptOut = {
      of        = ["relay", "bounces"]
      actions   = ["sms-voice:PutOptedOutNumber"]
      resources = var.opt_out_list_arns
    }
    OptIn = {
      of        = ["relay"]
      actions   = ["sms-voice:DeleteOptedOutNumber"]
      resources = var.opt_out_list_arns
    }
    ReadOptOuts = {
      of        = ["opt_out_sync"]
      actions   = ["sms-voice:DescribeOptedOutNumbers"]
      resources = var.opt_out_list_arns
    }
    # The Service Authorization Reference knows no resource of SES's for it.
    SuppressMail = {
      of        = ["bounces"]
      actions   = ["ses:PutSuppressedDestination"]
      resources = var.suppresses_mail ? ["*"] : []
    }
    FindPeople = {
      of        = ["profiles", "calls"]
      actions   = ["profile:SearchProfiles"]
      resources = local.profiles
    }
    WriteProfiles = {
      of        = ["profiles"]
      actions   = ["profile:CreateProfile", "profile:PutProfileObject"]
      resources = flatten([for domain in local.profiles : [domain, "${domain}/object-types/*"]])
    }
    TellResults = {
      of        = ["calls"]
      actions   = ["events:PutEvents"]
      resources = var.event_bus_arn == null ? [] : [var.event_bus_arn]
    }
  }
}

data "aws_iam_policy_document" "task" {
  for_each = var.services

  statement {
    sid       = "TakeOwnQueues"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    resources = [for queue in each.value.queues : var.queues[queue].arn]
  }
  statement {
    sid       = "BuryInOwnDeadLetterQueues"
    actions   = ["sqs:SendMessage", "sqs:GetQueueAttributes"]
    resources = [for queue in each.value.queues : var.queues[queue].dlq_arn]
  }
  dynamic "statement" {
    for_each = {
      for sid, grant in local.grants : sid => grant
      if length(setintersection(local.service_capabilities[each.key], grant.of)) > 0 && length(grant.resources) > 0
    }
    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = try([statement.value.condition], [])
        content {
          test     = condition.value[0]
          variable = condition.value[1]
          values   = condition.value[2]
        }
      }
    }
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    # Nobody else's tasks, should ECS be asked to use the role for another account.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [format(local.in_region, "ecs", "*")]
    }
  }
}

resource "aws_iam_role" "task" {
  for_each = var.services

  name               = "${var.name}-${each.key}"
  description        = "What the ${each.key} workers of ${var.name} may do in AWS."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "task" {
  for_each = var.services

  name   = "handlers"
  role   = aws_iam_role.task[each.key].id
  policy = data.aws_iam_policy_document.task[each.key].json
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.workers.arn}:log-stream:*"]
  }
  dynamic "statement" {
    for_each = var.image_repository_arn == null ? [] : [var.image_repository_arn]
    content {
      sid       = "PullImage"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = [statement.value]
    }
  }
  dynamic "statement" {
    for_each = var.image_repository_arn == null ? [] : ["*"]
    content {
      # ECR knows no resource for the token; it opens only what the statement above names.
      sid       = "LogInToRegistry"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  description        = "How ECS starts the workers of ${var.name}: pulls their image, writes their log."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}
