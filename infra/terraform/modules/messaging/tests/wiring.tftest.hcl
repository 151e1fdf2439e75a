# What leads where, and what becomes of what does not arrive; on a provider that plays AWS. Who may do
# it is in policies, which only the real provider writes out: tests/infra/test_root.py reads those.

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
  mock_resource "aws_kinesis_stream" {
    defaults = { arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/any" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  # Each its own, so that a queue which is mistaken for another is seen.
  override_resource {
    target = aws_sqs_queue.queue["texts"]
    values = { arn = "arn:aws:sqs:eu-west-1:111122223333:test-texts" }
  }
  override_resource {
    target = aws_sqs_queue.queue["ticks"]
    values = { arn = "arn:aws:sqs:eu-west-1:111122223333:test-ticks" }
  }
  override_resource {
    target = aws_sqs_queue.dead_letters["texts"]
    values = { arn = "arn:aws:sqs:eu-west-1:111122223333:test-texts-dlq" }
  }
  override_resource {
    target = aws_sqs_queue.dead_letters["ticks"]
    values = { arn = "arn:aws:sqs:eu-west-1:111122223333:test-ticks-dlq" }
  }
  override_resource {
    target = aws_sqs_queue.undelivered["subscriptions"]
    values = { arn = "arn:aws:sqs:eu-west-1:111122223333:test-subscriptions-undelivered" }
  }
  override_resource {
    target = aws_sqs_queue.undelivered["rules"]
    values = { arn = "arn:aws:sqs:eu-west-1:111122223333:test-rules-undelivered" }
  }
}

variables {
  name    = "test"
  account = { id = "111122223333", region = "eu-west-1", partition = "aws" }
  queues = {
    texts = { name = "test-texts", visibility_timeout_s = 30, retention_s = 345600, receive_wait_s = 20, max_receive_count = 1000, dlq_name = "test-texts-dlq", dlq_retention_s = 1209600 }
    ticks = { name = "test-ticks", visibility_timeout_s = 60, retention_s = 86400, receive_wait_s = 10, max_receive_count = 500, dlq_name = "test-ticks-dlq", dlq_retention_s = 604800 }
  }
  topics               = { numbers = { name = "test-numbers", publisher = "sms-voice.amazonaws.com" } }
  subscriptions        = { numbers = "texts" }
  rules                = { calls = { name = "test-calls", queue = "ticks", pattern = "{\"source\": [\"aws.connect\"]}" } }
  deferral             = { group = "test-deferred", role = "test-back" }
  schedules            = { sweep = { name = "test-sweep", rate = "rate(5 minutes)", queue = "ticks", input = "{\"tick\": \"now\"}" } }
  connect_instance_arn = "arn:aws:connect:eu-west-1:111122223333:instance/11111111-2222-4333-8444-555555555555"
  pinpoint_queue       = "texts"
}

run "each_queue_has_a_net_of_its_own" {
  command = plan

  assert {
    condition = alltrue([for name, queue in aws_sqs_queue.queue : jsondecode(queue.redrive_policy) == {
      deadLetterTargetArn = aws_sqs_queue.dead_letters[name].arn
      maxReceiveCount     = var.queues[name].max_receive_count
    }]) && length(aws_sqs_queue.queue) == 2
    error_message = "A queue's hopeless messages go to its dead-letter queue, after as many receives as the topology says."
  }
  assert {
    condition = alltrue([for name, queue in aws_sqs_queue.dead_letters : jsondecode(queue.redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = [aws_sqs_queue.queue[name].arn]
    }])
    error_message = "A dead-letter queue takes its queue's messages and nobody else's."
  }
  assert {
    condition = alltrue([for name, queue in aws_sqs_queue.queue : queue.name == var.queues[name].name
      && queue.visibility_timeout_seconds == var.queues[name].visibility_timeout_s
      && queue.message_retention_seconds == var.queues[name].retention_s
    && queue.receive_wait_time_seconds == var.queues[name].receive_wait_s])
    error_message = "A queue is as the topology says."
  }
  assert {
    condition = alltrue([for name, queue in aws_sqs_queue.dead_letters : queue.name == var.queues[name].dlq_name
    && queue.message_retention_seconds == var.queues[name].dlq_retention_s])
    error_message = "A dead-letter queue is as the topology says."
  }
}

run "what_is_sent_arrives_or_is_kept" {
  command = plan

  # SNS
  assert {
    condition     = aws_sns_topic_subscription.queue["numbers"].protocol == "sqs" && aws_sns_topic_subscription.queue["numbers"].endpoint == aws_sqs_queue.queue["texts"].arn
    error_message = "A topic's messages go onto its queue."
  }
  assert {
    condition     = alltrue([for one in aws_sns_topic_subscription.queue : one.raw_message_delivery == false && one.filter_policy == null])
    error_message = "Without the envelope a text has no time, and a filter policy drops what lacks an attribute."
  }
  assert {
    condition     = alltrue([for one in aws_sns_topic_subscription.queue : jsondecode(one.redrive_policy).deadLetterTargetArn == aws_sqs_queue.undelivered["subscriptions"].arn])
    error_message = "What SNS cannot deliver is kept, apart from what a worker has given up."
  }
  assert {
    condition     = alltrue([for one in aws_sqs_queue.undelivered : one.message_retention_seconds == 1209600])
    error_message = "What never arrived is kept for as long as SQS keeps anything."
  }
  # EventBridge
  assert {
    condition     = aws_cloudwatch_event_target.queue["calls"].arn == aws_sqs_queue.queue["ticks"].arn && aws_cloudwatch_event_target.queue["calls"].rule == "test-calls"
    error_message = "A rule's events go onto its queue."
  }
  assert {
    condition     = aws_cloudwatch_event_rule.rule["calls"].event_pattern == var.rules["calls"].pattern && length(aws_cloudwatch_event_target.queue["calls"].input_transformer) == 0 && aws_cloudwatch_event_target.queue["calls"].input_path == null
    error_message = "Events are chosen by the topology's pattern, and passed on whole."
  }
  assert {
    condition     = one(aws_cloudwatch_event_target.queue["calls"].retry_policy).maximum_event_age_in_seconds == 86400 && one(aws_cloudwatch_event_target.queue["calls"].retry_policy).maximum_retry_attempts == 185
    error_message = "An event is tried for as long as EventBridge will."
  }
  assert {
    condition     = one(aws_cloudwatch_event_target.queue["calls"].dead_letter_config).arn == aws_sqs_queue.undelivered["rules"].arn
    error_message = "What EventBridge cannot deliver is kept."
  }
  # Scheduler
  assert {
    condition     = aws_scheduler_schedule.tick["sweep"].schedule_expression == "rate(5 minutes)" && aws_scheduler_schedule.tick["sweep"].group_name == "test-deferred"
    error_message = "A tick comes as often as the topology says, in the group of deferral."
  }
  assert {
    condition     = one(aws_scheduler_schedule.tick["sweep"].flexible_time_window).mode == "OFF"
    error_message = "A tick comes when it is due."
  }
  assert {
    condition     = one(aws_scheduler_schedule.tick["sweep"].target).arn == aws_sqs_queue.queue["ticks"].arn && one(aws_scheduler_schedule.tick["sweep"].target).input == var.schedules["sweep"].input
    error_message = "A tick puts the topology's command on its queue."
  }
  assert {
    condition     = one(one(aws_scheduler_schedule.tick["sweep"].target).retry_policy).maximum_event_age_in_seconds == 300
    error_message = "A tick that is five minutes late is no longer sent: the next is due."
  }
  assert {
    condition     = one(one(aws_scheduler_schedule.tick["sweep"].target).dead_letter_config).arn == aws_sqs_queue.dead_letters["ticks"].arn
    error_message = "A tick that could not be sent lies with its queue's dead letters."
  }
  assert {
    condition     = one(aws_scheduler_schedule.tick["sweep"].target).role_arn == aws_iam_role.scheduler.arn && aws_iam_role.scheduler.name == "test-back"
    error_message = "Scheduler sends as the role of deferral."
  }
  assert {
    condition = [for statement in data.aws_iam_policy_document.scheduler.statement : {
      actions    = tolist(statement.actions)
      resources  = tolist(statement.resources)
      conditions = [for one in statement.condition : "${one.variable} ${one.test} ${join(" ", one.values)}"]
      } if statement.sid == "OpenSchedules"] == [{
      actions    = tolist(["kms:Decrypt"])
      resources  = tolist([aws_kms_key.this.arn])
      conditions = ["kms:EncryptionContext:aws:scheduler:schedule:arn ArnLike arn:aws:scheduler:eu-west-1:111122223333:schedule/test-deferred/*"]
    }]
    error_message = "Scheduler opens the schedules of its group, and they are encrypted with our key: else no tick comes."
  }
}

run "with_every_part_all_is_encrypted_with_our_key" {
  command = plan
  variables { legacy_pinpoint = true }

  assert {
    condition     = toset(concat(values(aws_sqs_queue.queue), values(aws_sqs_queue.dead_letters), values(aws_sqs_queue.undelivered))[*].kms_master_key_id) == toset([aws_kms_key.this.arn])
    error_message = "A queue is encrypted with another key, or with none."
  }
  assert {
    condition     = alltrue([for topic in aws_sns_topic.topic : topic.kms_master_key_id == aws_kms_key.this.arn])
    error_message = "A topic is encrypted with another key, or with none."
  }
  assert {
    condition     = alltrue([for tick in aws_scheduler_schedule.tick : tick.kms_key_arn == aws_kms_key.this.arn])
    error_message = "A schedule is encrypted with another key, or with Scheduler's."
  }
  assert {
    condition     = alltrue([for stream in aws_kinesis_stream.pinpoint : stream.encryption_type == "KMS" && stream.kms_key_id == aws_kms_key.this.arn])
    error_message = "The stream is encrypted with another key, or with none."
  }
  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The key is turned over every year, and its deletion can be taken back for a month."
  }
  # The legacy path
  assert {
    condition     = aws_pipes_pipe.pinpoint["stream"].source == aws_kinesis_stream.pinpoint["stream"].arn && aws_pipes_pipe.pinpoint["stream"].target == aws_sqs_queue.queue["texts"].arn
    error_message = "The pipe leads from the stream to the queue that takes its records."
  }
  assert {
    condition     = one(one(aws_pipes_pipe.pinpoint["stream"].source_parameters).kinesis_stream_parameters).starting_position == "TRIM_HORIZON"
    error_message = "Records that were there before the pipe are taken too."
  }
  assert {
    condition     = one(one(one(aws_pipes_pipe.pinpoint["stream"].source_parameters).kinesis_stream_parameters).dead_letter_config).arn == aws_sqs_queue.undelivered["rules"].arn
    error_message = "What the pipe cannot carry is kept."
  }
  assert {
    condition     = one(one(aws_pipes_pipe.pinpoint["stream"].source_parameters).kinesis_stream_parameters).maximum_retry_attempts > 0 && one(one(aws_pipes_pipe.pinpoint["stream"].source_parameters).kinesis_stream_parameters).maximum_record_age_in_seconds <= aws_kinesis_stream.pinpoint["stream"].retention_period * 3600
    error_message = "A bad record is given up before the stream forgets those behind it."
  }
}

run "the_topology_that_ships" {
  command = plan
  module { source = "../topology" }
}

run "what_ships_can_be_made" {
  command = plan
  variables {
    queues         = run.the_topology_that_ships.queues
    topics         = run.the_topology_that_ships.topics
    subscriptions  = run.the_topology_that_ships.subscriptions
    rules          = run.the_topology_that_ships.rules
    deferral       = run.the_topology_that_ships.deferral
    schedules      = run.the_topology_that_ships.schedules
    pinpoint_queue = "engagement-events"
  }

  assert {
    condition     = keys(aws_sqs_queue.queue) == keys(aws_sqs_queue.dead_letters) && keys(aws_sqs_queue.queue) == keys(run.the_topology_that_ships.queues)
    error_message = "Two queues for each of the topology's."
  }
  assert {
    condition     = keys(aws_sns_topic_subscription.queue) == keys(aws_sns_topic.topic) && keys(aws_cloudwatch_event_target.queue) == keys(aws_cloudwatch_event_rule.rule)
    error_message = "Every topic is subscribed to, and every rule has its target."
  }
  assert {
    condition     = length(aws_kinesis_stream.pinpoint) + length(aws_pipes_pipe.pinpoint) + length(aws_iam_role.pipe) + length(aws_iam_role_policy.pipe) == 0
    error_message = "A stream costs by the hour: it is made only where it is asked for."
  }
  assert {
    condition     = output.pinpoint_stream_arn == null
    error_message = "Nobody is told of a stream that is not there."
  }
}
