# The workers: one ECS service on Fargate for each group of queues, each with a role of its own.

locals {
  port = 8080
  environment = merge(var.worker_environment, {
    SWITCHBOARD_DRAIN_S           = tostring(var.drain_s)
    SWITCHBOARD_HTTP_PORT         = tostring(local.port)
    SWITCHBOARD_METRICS_NAMESPACE = var.metrics_namespace
  })
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:The workers tell more themselves (docs/metrics.md), at a lower price.
  name = var.name

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

# One for all: a conversation crosses services, and one search finds it. A stream's name begins with
# its service's.
resource "aws_cloudwatch_log_group" "workers" {
  name              = "/${var.name}/workers"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_security_group" "tasks" {
  name_prefix = "${var.name}-tasks-"
  description = "Workers of ${var.name}: nobody comes in, HTTPS goes out."
  vpc_id      = var.vpc_id

  egress {
    description = "APIs of AWS, and presigned addresses of chat attachments, which have no list"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_ecs_task_definition" "service" {
  for_each = var.services

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task[each.key].arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  container_definitions = jsonencode([{
    name      = "worker"
    image     = var.image
    essential = true
    command   = ["worker", "--queues", join(",", each.value.queues)]
    environment = [
      for name in sort(keys(local.environment)) : { name = name, value = local.environment[name] }
    ]

    user                   = "10001:10001"
    readonlyRootFilesystem = true
    privileged             = false
    linuxParameters = {
      capabilities = { add = [], drop = ["ALL"] }
    }

    # SIGTERM drains; whoever is not done by then is killed, and what it held comes again.
    stopTimeout = var.stop_timeout_s
    # There is no shell in the image. /healthz fails when a queue that should be polled is not.
    healthCheck = {
      command     = ["CMD", "switchboard", "health"]
      interval    = 30
      timeout     = 10
      retries     = 3
      startPeriod = 60
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.workers.name
        "awslogs-region"        = local.region
        "awslogs-stream-prefix" = each.key
      }
    }
  }])
}

resource "aws_ecs_service" "service" {
  for_each = var.services

  name                          = each.key
  cluster                       = aws_ecs_cluster.this.arn
  task_definition               = aws_ecs_task_definition.service[each.key].arn
  launch_type                   = "FARGATE"
  platform_version              = "LATEST"
  desired_count                 = each.value.min_tasks
  availability_zone_rebalancing = "ENABLED"
  propagate_tags                = "SERVICE"

  # New workers take over before the old ones drain: both may run side by side (make rolling-test).
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = var.assign_public_ip
  }

  lifecycle {
    ignore_changes = [desired_count] # Scaling's from here on.
  }

  # A task whose role may do nothing yet would fail its checks, and roll back.
  depends_on = [aws_iam_role_policy.task, aws_iam_role_policy.execution]
}
