# All that Switchboard needs in one account and Region, from infra/topology.json, which alone names queues,
# topics, rules, tables and what leads where. README.md tells how to apply it.

locals {
  instance = regex("^arn:(?P<partition>[^:]+):connect:(?P<region>[^:]+):(?P<account>[0-9]{12}):instance/(?P<id>.+)$", var.connect_instance_arn)
  in_eum   = "arn:${local.instance.partition}:sms-voice:${local.instance.region}:${local.instance.account}"

  metrics_namespace = "Switchboard/${var.name}"

  # Exactly what workers/settings.py reads. Fargate gives the Region itself; others need it.
  worker_environment = {
    AWS_REGION                        = local.instance.region
    SWITCHBOARD_CONFIG                = module.storage.configuration
    SWITCHBOARD_QUEUE_URLS            = jsonencode({ for name, queue in module.messaging.queues : name => queue.url })
    SWITCHBOARD_DLQ_URLS              = jsonencode({ for name, queue in module.messaging.queues : name => queue.dlq_url })
    SWITCHBOARD_SESSIONS_TABLE        = module.storage.table_names["sessions"]
    SWITCHBOARD_SUPPRESSIONS_TABLE    = module.storage.table_names["suppressions"]
    SWITCHBOARD_PROFILES_TABLE        = module.storage.table_names["profiles"]
    SWITCHBOARD_DELIVERIES_TABLE      = module.storage.table_names["deliveries"]
    SWITCHBOARD_CALLS_TABLE           = module.storage.table_names["calls"]
    SWITCHBOARD_FLEET_TABLE           = module.storage.table_names["fleet"]
    SWITCHBOARD_MEDIA_BUCKET          = module.storage.bucket_names["media"]
    SWITCHBOARD_DEFERRED_BUCKET       = module.storage.bucket_names[module.topology.deferral.bucket]
    SWITCHBOARD_SCHEDULE_GROUP        = module.messaging.schedules.group
    SWITCHBOARD_SCHEDULE_ROLE_ARN     = module.messaging.schedules.role_arn
    SWITCHBOARD_CHAT_STREAM_TOPIC_ARN = module.messaging.topic_arns["chat-stream"]
    SWITCHBOARD_CONNECT_INSTANCE_ID   = local.instance.id
    SWITCHBOARD_KMS_KEY_ID            = module.messaging.key_arn
  }
}

module "topology" {
  source = "./modules/topology"

  name         = var.name
  lease_step_s = var.lease_step_s
}

module "messaging" {
  source = "./modules/messaging"

  name = var.name
  account = {
    id        = local.instance.account
    region    = local.instance.region
    partition = local.instance.partition
  }
  queues               = module.topology.queues
  topics               = module.topology.topics
  subscriptions        = module.topology.subscriptions
  rules                = module.topology.rules
  deferral             = module.topology.deferral
  schedules            = module.topology.schedules
  connect_instance_arn = var.connect_instance_arn
  legacy_pinpoint      = var.legacy_pinpoint
}

module "storage" {
  source = "./modules/storage"

  name                = var.name
  account_id          = local.instance.account
  partition           = local.instance.partition
  tables              = module.topology.tables
  buckets             = module.topology.buckets
  kms_key_arn         = module.messaging.key_arn
  configuration_file  = var.configuration_file
  deletion_protection = var.deletion_protection
}

module "fleet" {
  source = "./modules/fleet"
  count  = var.runs_workers ? 1 : 0

  name = var.name
  queues = {
    for name, queue in module.messaging.queues : name => {
      handler = module.topology.queues[name].handler
      arn     = queue.arn
      dlq_arn = queue.dlq_arn
    }
  }
  services = {
    for name, queues in module.topology.services :
    name => {
      queues           = queues
      cpu              = try(var.service_sizes[name].cpu, null)
      memory           = try(var.service_sizes[name].memory, null)
      min_tasks        = try(var.service_sizes[name].min_tasks, null)
      max_tasks        = try(var.service_sizes[name].max_tasks, null)
      backlog_per_task = try(var.service_sizes[name].backlog_per_task, null)
      queue_age_s      = try(var.service_sizes[name].queue_age_s, null)
    }
  }
  image                = var.image
  image_repository_arn = var.image_repository_arn
  cpu_architecture     = var.cpu_architecture
  worker_environment   = local.worker_environment
  metrics_namespace    = local.metrics_namespace
  drain_s              = var.drain_s
  stop_timeout_s       = var.stop_timeout_s
  vpc_id               = var.vpc_id
  subnet_ids           = var.subnet_ids
  assign_public_ip     = var.assign_public_ip
  log_retention_days   = var.log_retention_days
  kms_key_arn          = module.messaging.key_arn
  table_arns           = module.storage.table_arns
  bucket_arns          = module.storage.bucket_arns
  schedules            = module.messaging.schedules

  connect_instance_arn   = var.connect_instance_arn
  contact_flow_ids       = var.contact_flow_ids
  origination_arns       = var.origination_arns
  opt_out_list_arns      = [for list in var.opt_out_lists : "${local.in_eum}:opt-out-list/${list}"]
  configuration_set_arns = [for set in var.configuration_sets : "${local.in_eum}:configuration-set/${set}"]
  profiles_domain        = var.profiles_domain
  event_bus_arn          = var.results_event_bus == null ? null : "arn:${local.instance.partition}:events:${local.instance.region}:${local.instance.account}:event-bus/${var.results_event_bus}"
  suppresses_mail        = var.suppresses_mail
}

module "watch" {
  source = "./modules/watch"
  count  = var.runs_workers ? 1 : 0

  name              = var.name
  region            = local.instance.region
  metrics_namespace = local.metrics_namespace
  services          = module.topology.services
  cluster_name      = var.name
  queue_names       = [for queue in module.topology.queues : queue.name]
  dead_letter_queues = merge(
    { for name, queue in module.topology.queues : name => queue.dlq_name },
    { for deliverer, queue in module.messaging.undelivered : "${deliverer}-undelivered" => queue.name },
  )
  kms_key_arn             = module.messaging.key_arn
  alarm_emails            = var.alarm_emails
  thresholds              = var.alarm_thresholds
  monthly_spend_limit_usd = var.monthly_spend_limit_usd
  monthly_budget_usd      = var.monthly_budget_usd
}
