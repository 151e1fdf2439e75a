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
