# How many tasks there are: as many as processor, memory and requests ask for, within limits that schedules can move.

variable "task_count" {
  description = "Tasks that serve requests: how many there are at least and at most."
  type = object({
    minimum = number
    maximum = number
  })

  validation {
    condition     = var.task_count.minimum >= 1 && var.task_count.maximum <= 100 && floor(var.task_count.minimum) == var.task_count.minimum && floor(var.task_count.maximum) == var.task_count.maximum
    error_message = "Choose between 1 and 100 tasks; 2 survive the loss of a zone."
  }

  validation {
    condition     = var.task_count.minimum <= var.task_count.maximum
    error_message = "The minimum must not be above the maximum."
  }
}

variable "requests_per_task_and_minute" {
  description = "Requests in a minute that one task is to serve; with more, tasks are added."
  type        = number
  default     = 1500

  validation {
    condition     = var.requests_per_task_and_minute >= 1
    error_message = "Give at least one request."
  }
}

variable "schedules" {
  description = "Other limits from a time on, by name: a schedule (at, rate or cron) with its time zone, and how many tasks there are from then on at least and at most. 0 and 0 stop the service."
  type = map(object({
    schedule  = string
    time_zone = optional(string, "UTC")
    minimum   = number
    maximum   = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for entry in var.schedules : can(regex("^(at|rate|cron)\\(.+\\)$", entry.schedule))])
    error_message = "Write a schedule as at(2030-01-31T22:00:00), rate(1 day) or cron(0 20 ? * MON-FRI *)."
  }

  validation {
    condition     = alltrue([for entry in var.schedules : entry.minimum >= 0 && entry.minimum <= entry.maximum && entry.maximum <= 100])
    error_message = "A schedule's limits lie between 0 and 100 tasks, the minimum not above the maximum."
  }
}

locals {
  is_scheduled       = length(var.schedules) > 0
  scaled_resource_id = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  scaled_dimension   = "ecs:service:DesiredCount"
  scaled_namespace   = "ecs"

  # What is held at a target, and the target: percent of a task's processor and memory.
  tracked = {
    cpu      = { metric = "ECSServiceAverageCPUUtilization", target = 60, label = null }
    memory   = { metric = "ECSServiceAverageMemoryUtilization", target = 70, label = null }
    requests = { metric = "ALBRequestCountPerTarget", target = var.requests_per_task_and_minute, label = "${var.load_balancer_arn_suffix}/${var.target_group_arn_suffix}" }
  }
}

resource "aws_appautoscaling_target" "this" {
  count = local.is_scheduled ? 0 : 1

  service_namespace  = local.scaled_namespace
  resource_id        = local.scaled_resource_id
  scalable_dimension = local.scaled_dimension
  min_capacity       = var.task_count.minimum
  max_capacity       = var.task_count.maximum
}

# The same, for limits that schedules move: an apply must not move them back.
resource "aws_appautoscaling_target" "scheduled" {
  count = local.is_scheduled ? 1 : 0

  service_namespace  = local.scaled_namespace
  resource_id        = local.scaled_resource_id
  scalable_dimension = local.scaled_dimension
  min_capacity       = var.task_count.minimum
  max_capacity       = var.task_count.maximum

  lifecycle {
    ignore_changes = [min_capacity, max_capacity]
  }
}

resource "aws_appautoscaling_policy" "this" {
  for_each = local.tracked

  name               = "${var.name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.scaled_namespace
  resource_id        = local.scaled_resource_id
  scalable_dimension = local.scaled_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_out_cooldown = 60  # seconds; a new task takes about as long to take its share
    scale_in_cooldown  = 300 # a lull is no reason to let tasks go

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
      resource_label         = each.value.label
    }
  }

  depends_on = [aws_appautoscaling_target.this, aws_appautoscaling_target.scheduled]
}

resource "aws_appautoscaling_scheduled_action" "this" {
  for_each = var.schedules

  name               = "${var.name}-${each.key}"
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
