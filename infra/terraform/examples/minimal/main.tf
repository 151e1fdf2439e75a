# The least that a deployment says: fill these in, `terraform init`, `terraform apply`.

provider "aws" {
  region = "us-east-1"
}

module "switchboard" {
  source = "../.."

  connect_instance_arn = "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-4333-8444-555555555555"
  contact_flow_ids     = ["22222222-2222-4222-8222-222222222222"]
  origination_arns     = ["arn:aws:sms-voice:us-east-1:111122223333:phone-number/phone-0123456789abcdef0123456789abcdef"]
  image                = "switchboard:0.1.0"
  vpc_id               = "vpc-0123456789abcdef0"
  subnet_ids           = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  configuration_file   = "${path.module}/switchboard.toml"
}

output "topic_arns" {
  description = "Where `switchboard setup` has AWS's services publish."
  value       = module.switchboard.topic_arns
}

output "worker_environment" {
  description = "For `switchboard setup` and `switchboard doctor` from a shell."
  value       = module.switchboard.worker_environment
}
