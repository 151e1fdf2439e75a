# A deployment with every part: profiles, reminders, mail, the legacy path, sizes, alarms and a budget. Its
# variables come from a file of each environment: `terraform apply -var-file=production.tfvars`.

provider "aws" {
  region = var.region

  default_tags {
    tags = { Application = "switchboard" }
  }
}

module "switchboard" {
  source = "../.."

  name                 = var.name
  connect_instance_arn = var.connect_instance_arn
  contact_flow_ids     = [var.chat_flow_id, var.reminder_flow_id]
  origination_arns     = var.origination_arns
  configuration_sets   = ["conversations", "reminders"]
  opt_out_lists        = ["Default", "Newsletter"]
  configuration_file   = "${path.module}/switchboard.toml"

  image                = var.image
  image_repository_arn = var.image_repository_arn
  cpu_architecture     = "ARM64"
  vpc_id               = var.vpc_id
  subnet_ids           = var.subnet_ids

  profiles_domain   = "customers"
  results_event_bus = "default"
  suppresses_mail   = true
  legacy_pinpoint   = true

  service_sizes = {
    conversations = { cpu = 512, memory = 1024, min_tasks = 3, max_tasks = 20 }
    engagement    = { min_tasks = 1, backlog_per_task = 2000 }
  }

  alarm_emails            = ["on-call@example.com"]
  alarm_thresholds        = { queue_age_s = 120 }
  monthly_spend_limit_usd = 1000
  monthly_budget_usd      = 500
}

output "worker_environment" {
  description = "For `switchboard setup` and `switchboard doctor` from a shell."
  value       = module.switchboard.worker_environment
}
