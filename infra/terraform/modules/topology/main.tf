# What infra/topology.json means for a deployment: real names, and whether it contradicts itself.
# schemas/topology.py refuses a file that is wrong by itself; here is what depends on a deployment.

locals {
  document = jsondecode(coalesce(var.topology_json, file("${path.module}/../../../topology.json")))

  # A queue is made only where a handler takes it.
  queues = { for queue in local.document.queues : queue.name => queue if try(queue.handler, "") != "" }
  taken  = flatten([for service in local.document.services : service.queues])

  # Everything that puts messages on a queue, by a name of its own: who, from what, to which queue.
  arrows = merge(
    { for one in local.document.subscriptions : "topic/${one.topic}" => {
      principal = "sns.amazonaws.com"
      source    = one.topic
      queue     = one.queue
    } },
    { for one in local.document.rules : "rule/${one.name}" => {
      principal = "events.amazonaws.com"
      source    = one.name
      queue     = one.queue
    } },
  )
}

resource "terraform_data" "checks" {
  input = local.document.version

  lifecycle {
    precondition {
      condition     = alltrue([for queue in local.queues : queue.visibility_timeout_s >= var.lease_step_s])
      error_message = "A queue's visibility timeout is shorter than the step by which leases are extended: a message whose extension is late would be received twice."
    }
    precondition {
      condition     = alltrue([for queue in local.queues : queue.dlq.retention_s >= queue.retention_s])
      error_message = "A dead-letter queue must keep messages at least as long as its queue: a message keeps the age that it had."
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
}
