# Tasks are added while too much waits for us, or waits too long; docs/scaling.md shows what comes of
# it. What waits behind a downstream limit is in neither metric: more tasks would not help it.

locals {
  # An old queue says that tasks lack, not how many. So its number is cut: half as many again at
  # once, whatever its age.
  age_step = 1.5
}

resource "aws_appautoscaling_target" "service" {
  for_each = var.services

  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.service[each.key].name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = each.value.min_tasks
  max_capacity       = each.value.max_tasks
}

resource "aws_appautoscaling_policy" "backlog" {
  for_each = var.services

  name               = "backlog-per-task"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service[each.key].service_namespace
  resource_id        = aws_appautoscaling_target.service[each.key].resource_id
  scalable_dimension = aws_appautoscaling_target.service[each.key].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.backlog_per_task
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    customized_metric_specification {
      # Each worker reads the same queues, so the average of what they read is the backlog.
      dynamic "metrics" {
        for_each = each.value.queues
        content {
          id          = "b${metrics.key}"
          return_data = false
          metric_stat {
            stat = "Average"
            metric {
              namespace   = var.metrics_namespace
              metric_name = "backlog"
              dimensions {
                name  = "queue"
                value = metrics.value
              }
            }
          }
        }
      }
      # Each worker says 1 once a minute, so their sum over a minute is how many there are.
      metrics {
        id          = "w"
        return_data = false
        metric_stat {
          stat = "Sum"
          metric {
            namespace   = var.metrics_namespace
            metric_name = "workers"
            dimensions {
              name  = "queue"
              value = each.value.queues[0]
            }
          }
        }
      }
      metrics {
        id          = "load"
        label       = "Messages that wait for us, per task"
        expression  = "(${join("+", [for number in range(length(each.value.queues)) : "b${number}"])})/w"
        return_data = true
      }
    }
  }
}

resource "aws_appautoscaling_policy" "age" {
  for_each = var.services

  name               = "queue-age"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service[each.key].service_namespace
  resource_id        = aws_appautoscaling_target.service[each.key].resource_id
  scalable_dimension = aws_appautoscaling_target.service[each.key].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.queue_age_s
    scale_out_cooldown = 120
    scale_in_cooldown  = 300

    customized_metric_specification {
      dynamic "metrics" {
        for_each = each.value.queues
        content {
          id          = "a${metrics.key}"
          return_data = false
          metric_stat {
            stat = "Maximum"
            metric {
              namespace   = var.metrics_namespace
              metric_name = "backlog_age_seconds"
              dimensions {
                name  = "queue"
                value = metrics.value
              }
            }
          }
        }
      }
      metrics {
        id          = "oldest"
        expression  = "MAX([${join(",", [for number in range(length(each.value.queues)) : "a${number}"])}])"
        return_data = false
      }
      metrics {
        id          = "load"
        label       = "Age of what waits for us, at most ${local.age_step} times what is wanted"
        expression  = "IF(oldest>${local.age_step * each.value.queue_age_s},${local.age_step * each.value.queue_age_s},oldest)"
        return_data = true
      }
    }
  }
}
