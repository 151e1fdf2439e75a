output "cluster_arn" {
  description = "ARN of the ECS cluster."
  value       = aws_ecs_cluster.this.arn
}

output "log_group" {
  description = "Name of the workers' log group. A stream's name begins with its service's."
  value       = aws_cloudwatch_log_group.workers.name
}

output "task_role_arns" {
  description = "ARN of each service's task role, by service: for policies of other accounts' resources."
  value       = { for name, role in aws_iam_role.task : name => role.arn }
}

output "environment" {
  description = "What each task's environment holds."
  value       = local.environment
}
