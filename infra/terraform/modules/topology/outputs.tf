output "queues" {
  description = "Queues by their logical names: handler, visibility_timeout_s, retention_s, receive_wait_s, max_receive_count, their real name, and that and the retention of their dead-letter queue."
  value = {
    for name, queue in local.queues : name => {
      handler              = queue.handler
      visibility_timeout_s = queue.visibility_timeout_s
      retention_s          = queue.retention_s
      receive_wait_s       = queue.receive_wait_s
      max_receive_count    = queue.max_receive_count
      name                 = "${var.name}-${name}"
      dlq_name             = "${var.name}-${queue.dlq.name}"
      dlq_retention_s      = queue.dlq.retention_s
    }
  }

  # What contradicts itself makes no queue.
  precondition {
    condition     = alltrue([for queue in local.queues : queue.visibility_timeout_s >= var.lease_step_s])
    error_message = "A queue's visibility timeout is shorter than the step by which leases are extended: a message whose extension is late would be received twice."
  }
  precondition {
    condition     = alltrue([for queue in local.queues : queue.dlq.retention_s > queue.retention_s || queue.dlq.retention_s == 1209600])
    error_message = "A dead-letter queue must keep messages longer than its queue, or for the 14 days that SQS has at most: a message keeps the age that it had."
  }
  precondition {
    condition     = alltrue([for queue in local.queues : queue.max_receive_count >= 2 * var.longest_wait_receives])
    error_message = "max_receive_count is a net under the worker, not its retry policy: it must lie far above any wait (longest_wait_receives)."
  }
  precondition {
    condition     = sort(local.taken) == sort(keys(local.queues))
    error_message = "Each queue with a handler is taken by exactly one service."
  }
  precondition {
    condition     = alltrue([for arrow in local.arrows : contains(keys(local.queues), arrow.queue)])
    error_message = "A subscription or rule leads to a queue that nobody handles."
  }
  precondition {
    condition     = alltrue([for one in local.document.subscriptions : contains(local.document.topics[*].name, one.topic)])
    error_message = "A subscription is to a topic that is not there."
  }
}

output "services" {
  description = "Queues of each service, by its name."
  value       = { for service in local.document.services : service.name => service.queues }
}

output "topics" {
  description = "Topics by their logical names: the principal that publishes, and the real name."
  value       = { for topic in local.document.topics : topic.name => { publisher = topic.publisher, name = "${var.name}-${topic.name}" } }
}

output "subscriptions" {
  description = "Subscriptions by the topic's logical name: the queue."
  value       = { for one in local.document.subscriptions : one.topic => one.queue }

  precondition {
    condition     = alltrue([for one in local.document.subscriptions : !try(one.raw_delivery, false)])
    error_message = "Raw delivery would lose the only time that a text has: modules/messaging delivers in SNS's envelope."
  }
}

output "rules" {
  description = "EventBridge rules by their logical names: the pattern as JSON, the queue, and the real name."
  value       = { for rule in local.document.rules : rule.name => { pattern = jsonencode(rule.pattern), queue = rule.queue, name = "${var.name}-${rule.name}" } }
}

output "tables" {
  description = "Tables by their logical names: keys, TTL attribute, and the real name."
  value = {
    for table in local.document.tables : table.name => {
      partition_key = table.partition_key
      sort_key      = table.sort_key
      ttl_attribute = table.ttl_attribute
      name          = "${var.name}-${table.name}"
    }
  }
}

output "buckets" {
  description = "Days after which objects are deleted, by the bucket's logical name."
  value       = { for bucket in local.document.buckets : bucket.name => bucket.expire_after_days }
}

output "deferral" {
  description = "Real names of the schedule group and of the role by which messages come back, and the logical one of the bucket."
  value = {
    group  = "${var.name}-${local.document.deferral.schedule_group}"
    role   = "${var.name}-${local.document.deferral.role}"
    bucket = local.document.deferral.bucket
  }
}

output "schedules" {
  description = "Recurring ticks by their logical names: rate, queue, what is sent as JSON, and the real name."
  value       = { for one in local.document.schedules : one.name => { rate = one.rate, queue = one.queue, input = jsonencode(one.input), name = "${var.name}-${one.name}" } }
}

output "arrows" {
  description = "Everything that puts messages on a queue: principal, logical source, queue."
  value       = local.arrows
}
