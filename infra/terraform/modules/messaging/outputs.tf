output "key_arn" {
  description = "ARN of the key of everything."
  value       = aws_kms_key.this.arn
}

output "queues" {
  description = "URL and ARN of each queue and of its dead-letter queue, by logical name."
  value = {
    for queue in keys(var.queues) : queue => {
      url     = aws_sqs_queue.queue[queue].url
      arn     = aws_sqs_queue.queue[queue].arn
      dlq_url = aws_sqs_queue.dead_letters[queue].url
      dlq_arn = aws_sqs_queue.dead_letters[queue].arn
    }
  }
}

output "undelivered" {
  description = "Name and URL of each queue of what reached no queue, by what could not deliver it: subscriptions, or rules and the pipe."
  value       = { for deliverer, queue in aws_sqs_queue.undelivered : deliverer => { name = queue.name, url = queue.url } }
}

output "topic_arns" {
  description = "ARN of each topic, by logical name."
  value       = { for topic, one in aws_sns_topic.topic : topic => one.arn }
}

output "schedules" {
  description = "Name of the schedule group, and ARN of the role by which Scheduler sends."
  value = {
    group    = aws_scheduler_schedule_group.deferred.name
    role_arn = aws_iam_role.scheduler.arn
  }
}

output "pinpoint_stream_arn" {
  description = "ARN of the Kinesis stream of the legacy path; null without it."
  value       = one([for stream in aws_kinesis_stream.pinpoint : stream.arn])
}
