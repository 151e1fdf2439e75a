output "cluster_arn" {
  description = "ARN of the ECS cluster."
  value       = aws_ecs_cluster.this.arn
}

output "log_groups" {
  description = "Name of each service's log group, by service."
  value       = { for name, group in aws_cloudwatch_log_group.service : name => group.name }
}

output "task_role_arns" {
  description = "ARN of each service's task role, by service: for policies of other accounts' resources."
  value       = { for name, role in aws_iam_role.task : name => role.arn }
}

output "environment" {
  description = "What each task's environment holds."
  value       = local.environment
}
