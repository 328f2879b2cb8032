resource "aws_ecs_service" "this" {
  name            = var.context.name
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = var.task_count.minimum # at first; from then on autoscaling says how many

  dynamic "capacity_provider_strategy" {
    for_each = local.capacity_shares

    content {
      capacity_provider = capacity_provider_strategy.value.provider
      base              = capacity_provider_strategy.value.base
      weight            = capacity_provider_strategy.value.weight
    }
  }

  # Without it, another share of Spot tasks would replace the service instead of its tasks.
  force_new_deployment = true

  # Each old task runs until its replacement is healthy; tasks are rebalanced when a zone recovers.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 60

  # The apply waits until the new tasks serve; when they do not, ECS goes back to the revision before.
  wait_for_steady_state = true

  enable_execute_command  = var.exec_is_allowed
  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  # Tasks that do not become healthy end a deployment, and so do healthy ones that answer with errors.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  alarms {
    enable      = true
    rollback    = true
    alarm_names = [aws_cloudwatch_metric_alarm.target_errors.alarm_name]
  }

  network_configuration {
    subnets          = var.private_subnet_ids
    security_groups  = [var.service_security_group_id]
    assign_public_ip = var.has_public_address
  }

  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = local.app_container.name
    container_port   = var.service_port
  }

  # A task needs its permissions from the first moment.
  depends_on = [aws_ecs_cluster_capacity_providers.this, aws_iam_role_policy.execution, aws_iam_role_policy.task]

  lifecycle { ignore_changes = [desired_count] }
}

# A deployment that was rolled back is a steady state too, and the provider calls it a success
# (https://github.com/hashicorp/terraform-provider-aws/issues/20858). So ask what runs now.
# tflint-ignore: terraform_unused_declarations # its postcondition is all that is needed
data "aws_ecs_service" "deployed" {
  cluster_arn  = aws_ecs_cluster.this.arn
  service_name = aws_ecs_service.this.name

  depends_on = [aws_ecs_service.this]

  lifecycle {
    postcondition {
      condition     = self.task_definition == aws_ecs_task_definition.this.arn
      error_message = "ECS did not keep the new tasks and went back: the service runs ${self.task_definition}, this apply asked for ${aws_ecs_task_definition.this.arn}. The earlier tasks continue serving. Read why in the service's events and in log group ${aws_cloudwatch_log_group.tasks.name}: the new ones stopped, or answered so many requests with errors that the alarm ${aws_cloudwatch_metric_alarm.target_errors.alarm_name} went off. Mend it, and apply again."
    }
  }
}
