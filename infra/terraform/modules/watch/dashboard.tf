# One page to look at first, in the order of the questions: is it us, how far behind, what fails.

locals {
  widgets = concat(
    [
      {
        title = "What waits for us, by queue"
        rows  = [for queue in local.queues : [var.metrics_namespace, "backlog", "queue", queue, { stat = "Average", label = queue }]]
      },
      {
        title = "Longest wait for a first receive, by queue (s)"
        rows  = [for queue in local.queues : [var.metrics_namespace, "queue_age_seconds", "queue", queue, { stat = "Maximum", label = queue }]]
      },
      {
        title = "Received, by queue"
        rows  = [for queue in local.queues : [var.metrics_namespace, "received", "queue", queue, { stat = "Sum", label = queue }]]
      },
      {
        title = "Failed attempts and dead letters"
        rows = concat(
          [for queue in local.queues : [var.metrics_namespace, "attempts", "queue", queue, { stat = "Sum", label = "${queue} attempts" }]],
          [for queue in local.queues : [var.metrics_namespace, "dead_letters", "queue", queue, { stat = "Sum", label = "${queue} dead letters" }]],
        )
      },
      {
        title = "Paused: 1 while any queue is, by reason"
        rows  = [for reason in ["breaker", "operator", "backpressure"] : [var.metrics_namespace, "paused", "reason", reason, { stat = "Maximum", label = reason }]]
      },
      {
        title = "Workers, by service"
        rows  = [for service, queues in var.services : [var.metrics_namespace, "workers", "queue", queues[0], { stat = "Sum", label = service }]]
      },
      {
        title = "Polls and throttled calls"
        rows = [
          [var.metrics_namespace, "polls", { stat = "Sum", label = "polls" }],
          [var.metrics_namespace, "throttles", { stat = "Sum", label = "throttled calls", yAxis = "right" }],
        ]
      },
      {
        title = "Texts in doubt, opt-outs, sends without money"
        rows = [
          [var.metrics_namespace, "texts_uncertain", { stat = "Sum", label = "uncertain" }],
          [var.metrics_namespace, "opt_outs", { stat = "Sum", label = "opt-outs" }],
          [var.metrics_namespace, "spend_limit_refusals", { stat = "Sum", label = "spend limit" }],
        ]
      },
      {
        title = "In dead-letter queues"
        rows  = [for name in sort(values(var.dead_letter_queues)) : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name, { stat = "Maximum", label = name }]]
      },
      {
        title = "CPU and memory, by service (%)"
        rows = concat(
          [for service in keys(var.services) : ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", service, { stat = "Average", label = "${service} CPU" }]],
          [for service in keys(var.services) : ["AWS/ECS", "MemoryUtilization", "ClusterName", var.cluster_name, "ServiceName", service, { stat = "Average", label = "${service} memory" }]],
        )
      },
    ],
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [
      for number, widget in local.widgets : {
        type   = "metric"
        x      = 12 * (number % 2)
        y      = 6 * floor(number / 2)
        width  = 12
        height = 6
        properties = {
          title   = widget.title
          region  = var.region
          view    = "timeSeries"
          period  = 60
          metrics = widget.rows
        }
      }
    ]
  })
}
