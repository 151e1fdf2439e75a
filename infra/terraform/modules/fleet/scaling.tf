# Tasks are added while too much waits for us, or waits too long, or the tasks there are have too
# much to do; they are taken away when none of it holds. docs/scaling.md shows what comes of it.
#
# What waits behind a downstream limit is in no metric of the workers': more tasks would not help it.

locals {
  # An old queue says that tasks lack, not how many. So its number is cut: half as many again at
  # once, whatever its age.
  age_percent_most = 150

  # Longer than it takes until new tasks run and are seen in the metrics, else they would be asked
  # for twice.
  scale_out_cooldown_s = 240
  scale_in_cooldown_s  = 300
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
    scale_out_cooldown = local.scale_out_cooldown_s
    scale_in_cooldown  = local.scale_in_cooldown_s

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

# A backlog alone would swing under a lasting load: with enough tasks it is empty, which looks like
# too many. How busy they are holds them.
resource "aws_appautoscaling_policy" "pressure" {
  for_each = var.services

  name               = "age-and-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service[each.key].service_namespace
  resource_id        = aws_appautoscaling_target.service[each.key].resource_id
  scalable_dimension = aws_appautoscaling_target.service[each.key].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = 100
    scale_out_cooldown = local.scale_out_cooldown_s
    scale_in_cooldown  = local.scale_in_cooldown_s

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
        id          = "cpu"
        return_data = false
        metric_stat {
          stat = "Average"
          metric {
            namespace   = "AWS/ECS"
            metric_name = "CPUUtilization"
            dimensions {
              name  = "ClusterName"
              value = aws_ecs_cluster.this.name
            }
            dimensions {
              name  = "ServiceName"
              value = aws_ecs_service.service[each.key].name
            }
          }
        }
      }
      metrics {
        id          = "oldest"
        expression  = "100*MAX([${join(",", [for number in range(length(each.value.queues)) : "a${number}"])}])/${each.value.queue_age_s}"
        return_data = false
      }
      metrics {
        id          = "age"
        expression  = "IF(oldest>${local.age_percent_most},${local.age_percent_most},oldest)"
        return_data = false
      }
      metrics {
        id          = "busy"
        expression  = "100*cpu/${each.value.cpu_percent}"
        return_data = false
      }
      metrics {
        id          = "load"
        label       = "The greater of age and CPU, in percent of what is wanted"
        expression  = "MAX([age,busy])"
        return_data = true
      }
    }
  }
}
