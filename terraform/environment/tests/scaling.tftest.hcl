# How many tasks there are, on what, and what ends a deployment.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                      = "taproom-prod"
  image                     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  task_count                = { minimum = 3, maximum = 12 }
  cpu_units                 = 512
  memory_mebibytes          = 1024
  cpu_architecture          = "ARM64"
  service_port              = 8000
  service_secret_arn        = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app"
  migrator_secret_arn       = "arn:aws:secretsmanager:us-east-1:123456789012:secret:migrator"
  target_group_arn          = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/taproom-prod/1"
  target_group_arn_suffix   = "targetgroup/taproom-prod/1"
  load_balancer_arn_suffix  = "app/taproom-prod/1"
  private_subnet_ids        = ["subnet-3", "subnet-4"]
  service_security_group_id = "sg-2"
  kms_key_arn               = "arn:aws:kms:us-east-1:123456789012:key/1"
}

run "as_many_tasks_run_as_processor_memory_and_requests_ask_for" {
  command = plan

  module {
    source = "../modules/service"
  }

  assert {
    condition     = aws_appautoscaling_target.this[0].min_capacity == 3 && aws_appautoscaling_target.this[0].max_capacity == 12 && length(aws_appautoscaling_target.scheduled) == 0
    error_message = "There must be 3 to 12 tasks."
  }

  assert {
    condition = {
      for policy in aws_appautoscaling_policy.this :
      one(one(policy.target_tracking_scaling_policy_configuration).predefined_metric_specification).predefined_metric_type => one(policy.target_tracking_scaling_policy_configuration).target_value
      } == {
      ECSServiceAverageCPUUtilization    = 60
      ECSServiceAverageMemoryUtilization = 70
      ALBRequestCountPerTarget           = 1500
    }
    error_message = "Three targets must be tracked."
  }

  assert {
    condition     = one(one(aws_appautoscaling_policy.this["requests"].target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label == "app/taproom-prod/1/targetgroup/taproom-prod/1"
    error_message = "Requests must be counted at the target group."
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 3
    error_message = "It must begin with the fewest."
  }

  assert {
    condition     = length(aws_appautoscaling_scheduled_action.this) == 0
    error_message = "Nothing must be scheduled."
  }
}

run "a_schedule_moves_the_limits_and_an_apply_does_not_move_them_back" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    schedules = {
      night = { schedule = "cron(0 20 ? * * *)", time_zone = "Europe/Berlin", minimum = 0, maximum = 0 }
    }
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_appautoscaling_target.scheduled) == 1
    error_message = "The limits must be left alone."
  }

  assert {
    condition     = aws_appautoscaling_scheduled_action.this["night"].timezone == "Europe/Berlin" && tonumber(one(aws_appautoscaling_scheduled_action.this["night"].scalable_target_action).max_capacity) == 0
    error_message = "The service must stop at night."
  }
}

run "tasks_have_capacity_of_their_own_unless_told_otherwise" {
  command = plan

  module {
    source = "../modules/service"
  }

  assert {
    condition     = [for share in aws_ecs_service.this.capacity_provider_strategy : share.capacity_provider] == ["FARGATE"]
    error_message = "Nothing must run on spare capacity."
  }
}

run "spare_capacity_carries_its_share_but_for_one_task" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    spot_percent = 75
  }

  assert {
    condition     = { for share in aws_ecs_service.this.capacity_provider_strategy : share.capacity_provider => [share.base, share.weight] } == { FARGATE = [1, 25], FARGATE_SPOT = [0, 75] }
    error_message = "Three of four tasks must run on spare capacity, and one never."
  }
}

run "a_deployment_is_ended_by_tasks_that_fail_and_by_answers_that_do" {
  command = plan

  module {
    source = "../modules/service"
  }

  assert {
    condition     = one(aws_ecs_service.this.deployment_circuit_breaker).enable && one(aws_ecs_service.this.deployment_circuit_breaker).rollback
    error_message = "The circuit breaker must roll back."
  }

  assert {
    condition     = one(aws_ecs_service.this.alarms).enable && one(aws_ecs_service.this.alarms).rollback && one(aws_ecs_service.this.alarms).alarm_names == toset(["taproom-prod-target-errors"])
    error_message = "The alarm must roll back."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.target_errors.treat_missing_data == "notBreaching"
    error_message = "Without requests the alarm must be quiet: one that is going off already guards nothing."
  }
}

run "a_shell_in_a_task_is_refused_by_default" {
  module {
    source = "../modules/service"
  }

  assert {
    condition     = !aws_ecs_service.this.enable_execute_command && length(data.aws_iam_policy_document.exec) == 0
    error_message = "Nobody must open a shell."
  }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.readonlyRootFilesystem])
    error_message = "No task must write to its image."
  }
}

run "a_shell_that_is_allowed_can_be_opened" {
  module {
    source = "../modules/service"
  }

  variables {
    exec_is_allowed = true
  }

  assert {
    condition     = aws_ecs_service.this.enable_execute_command && length(data.aws_iam_policy_document.exec) == 1
    error_message = "The task must be let in."
  }

  assert {
    condition     = !anytrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.readonlyRootFilesystem])
    error_message = "The agent must be able to write."
  }
}

run "an_image_may_be_built_for_either_architecture" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    cpu_architecture = "X86_64"
  }

  assert {
    condition     = one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "X86_64"
    error_message = "It must be the one that was asked for."
  }
}

run "a_minimum_above_the_maximum_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    task_count = { minimum = 3, maximum = 2 }
  }

  expect_failures = [var.task_count]
}

run "no_task_at_all_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    task_count = { minimum = 0, maximum = 2 }
  }

  expect_failures = [var.task_count]
}

run "half_a_task_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    task_count = { minimum = 1.5, maximum = 2 }
  }

  expect_failures = [var.task_count]
}

run "more_than_all_on_spare_capacity_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    spot_percent = 101
  }

  expect_failures = [var.spot_percent]
}

run "a_schedule_that_is_none_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    schedules = { night = { schedule = "every night", minimum = 0, maximum = 0 } }
  }

  expect_failures = [var.schedules]
}

run "a_schedule_with_its_limits_the_wrong_way_round_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    schedules = { night = { schedule = "rate(1 day)", minimum = 2, maximum = 1 } }
  }

  expect_failures = [var.schedules]
}

run "no_requests_a_minute_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    requests_per_task_and_minute = 0
  }

  expect_failures = [var.requests_per_task_and_minute]
}

run "another_load_balancer_than_an_application_s_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    load_balancer_arn_suffix = "net/taproom-prod/1"
  }

  expect_failures = [var.load_balancer_arn_suffix]
}

run "what_is_no_target_group_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    target_group_arn_suffix = "app/taproom-prod/1"
  }

  expect_failures = [var.target_group_arn_suffix]
}

run "an_alarm_for_what_is_no_topic_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    alarm_topic_arns = ["on-call@example.com"]
  }

  expect_failures = [var.alarm_topic_arns]
}

run "an_unknown_architecture_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    cpu_architecture = "RISCV"
  }

  expect_failures = [var.cpu_architecture]
}
