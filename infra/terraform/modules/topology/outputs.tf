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
  depends_on = [terraform_data.checks]
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
