output "worker_environment" {
  description = "The environment of a worker, and of every `switchboard` command: exactly what workers/settings.py reads."
  value       = local.worker_environment
}

output "topic_arns" {
  description = "ARN of each topic, by logical name: `switchboard setup` has AWS's services publish there."
  value       = module.messaging.topic_arns
}

output "queue_urls" {
  description = "URL of each queue, by logical name."
  value       = { for name, queue in module.messaging.queues : name => queue.url }
}

output "undelivered_queue_urls" {
  description = "URL of the queue of what subscriptions could not deliver, and of that of rules and the pipe."
  value       = { for deliverer, queue in module.messaging.undelivered : deliverer => queue.url }
}

output "key_arn" {
  description = "ARN of the key of everything."
  value       = module.messaging.key_arn
}

output "pinpoint_stream_arn" {
  description = "ARN of the Kinesis stream of the legacy path; null without it."
  value       = module.messaging.pinpoint_stream_arn
}
