# Autoscaling by CPU, memory and requests, within limits that schedules can change.

locals {
  is_scheduled = length(var.schedules) > 0
  # From the ID, so that what scales a service is replaced with it: AWS deletes it with the service.
  scaled_resource_id = "service/${aws_ecs_cluster.this.name}/${basename(aws_ecs_service.this.id)}"
  scaled_dimension   = "ecs:service:DesiredCount"
  scaled_namespace   = "ecs"

  cpu_target = 60
  # Twice what a page takes of a core (docs/benchmarks.md): a vCPU can be one of a core's two threads.
  cpu_seconds_for_each_request = 0.0019
  # As many requests as take cpu_target percent of a task's CPU.
  derived_requests = floor(60 * var.cpu_units / 1024 * local.cpu_target / 100 / local.cpu_seconds_for_each_request)

  # What is held at a target, and the target: percent of a task's processor and memory.
  tracked = {
    cpu      = { metric = "ECSServiceAverageCPUUtilization", target = local.cpu_target, label = null }
    memory   = { metric = "ECSServiceAverageMemoryUtilization", target = 70, label = null }
    requests = { metric = "ALBRequestCountPerTarget", target = coalesce(var.requests_per_task_and_minute, local.derived_requests), label = "${var.load_balancer_arn_suffix}/${var.target_group_arn_suffix}" }
  }
}

# AWS has one target, whose policies go with it. So turning schedules on or off deletes both before it creates the others.
resource "terraform_data" "limits" {
  triggers_replace = local.is_scheduled
}

resource "aws_appautoscaling_target" "this" {
  count = local.is_scheduled ? 0 : 1

  service_namespace  = local.scaled_namespace
  resource_id        = local.scaled_resource_id
  scalable_dimension = local.scaled_dimension
  min_capacity       = var.task_count.minimum
  max_capacity       = var.task_count.maximum

  depends_on = [terraform_data.limits]
}

# The same, for limits that schedules move: an apply must not move them back.
resource "aws_appautoscaling_target" "scheduled" {
  count = local.is_scheduled ? 1 : 0

  service_namespace  = local.scaled_namespace
  resource_id        = local.scaled_resource_id
  scalable_dimension = local.scaled_dimension
  min_capacity       = var.task_count.minimum
  max_capacity       = var.task_count.maximum

  depends_on = [terraform_data.limits]

  lifecycle { ignore_changes = [min_capacity, max_capacity] }
}

# A fixed number of tasks needs no policies, whose alarms AWS bills.
resource "aws_appautoscaling_policy" "this" {
  for_each = { for key, tracked in local.tracked : key => tracked if local.is_scheduled || var.task_count.minimum < var.task_count.maximum }

  name               = "${var.context.name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.scaled_namespace
  resource_id        = local.scaled_resource_id
  scalable_dimension = local.scaled_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_out_cooldown = 60  # seconds; a new task takes about as long to take its share
    scale_in_cooldown  = 300 # a lull does not stop tasks

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
      resource_label         = each.value.label
    }
  }

  depends_on = [aws_appautoscaling_target.this, aws_appautoscaling_target.scheduled]

  lifecycle { replace_triggered_by = [terraform_data.limits] }
}

resource "aws_appautoscaling_scheduled_action" "this" {
  for_each = var.schedules

  name               = "${var.context.name}-${each.key}"
  service_namespace  = local.scaled_namespace
  resource_id        = local.scaled_resource_id
  scalable_dimension = local.scaled_dimension
  schedule           = each.value.schedule
  timezone           = each.value.time_zone

  scalable_target_action {
    min_capacity = each.value.minimum
    max_capacity = each.value.maximum
  }

  depends_on = [aws_appautoscaling_target.scheduled]
}
