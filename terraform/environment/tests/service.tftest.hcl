# How many tasks run and on what capacity, how they log in, and what rolls a deployment back.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  context                   = { name = "taproom-prod", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/mocked" }
  image                     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  task_count                = { minimum = 3, maximum = 12 }
  cpu_units                 = 512
  memory_mebibytes          = 1024
  worker_count              = 2
  cpu_architecture          = "ARM64"
  service_port              = 8000
  service_secret_arn        = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app"
  migrator_secret_arn       = "arn:aws:secretsmanager:us-east-1:123456789012:secret:migrator"
  target_group_arn          = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/taproom-prod/1"
  target_group_arn_suffix   = "targetgroup/taproom-prod/1"
  load_balancer_arn_suffix  = "app/taproom-prod/1"
  private_subnet_ids        = ["subnet-3", "subnet-4"]
  service_security_group_id = "sg-2"
}

run "by_default_tasks_scale_on_fargate_roll_back_on_errors_and_allow_no_shell" {
  module { source = "../modules/service" }

  assert {
    condition     = aws_appautoscaling_target.this[0].min_capacity == 3 && aws_appautoscaling_target.this[0].max_capacity == 12 && length(aws_appautoscaling_target.scheduled) == 0 && aws_ecs_service.this.desired_count == 3 && length(aws_appautoscaling_scheduled_action.this) == 0
    error_message = "There must be 3 to 12 tasks, 3 at first, and no schedule."
  }

  assert {
    condition     = aws_appautoscaling_target.this[0].resource_id == "service/taproom-prod/${aws_ecs_service.this.id}"
    error_message = "A plan that replaces the service, whose ID is mocked here, must replace what scales it."
  }

  assert {
    condition = {
      for policy in aws_appautoscaling_policy.this :
      one(one(policy.target_tracking_scaling_policy_configuration).predefined_metric_specification).predefined_metric_type => one(policy.target_tracking_scaling_policy_configuration).target_value
      } == {
      ECSServiceAverageCPUUtilization    = 60
      ECSServiceAverageMemoryUtilization = 70
      ALBRequestCountPerTarget           = 9473
    }
    error_message = "Three targets must be tracked."
  }

  assert {
    condition     = one(one(aws_appautoscaling_policy.this["requests"].target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label == "app/taproom-prod/1/targetgroup/taproom-prod/1"
    error_message = "Requests must be counted at the target group."
  }

  assert {
    condition     = one(aws_ecs_service.this.deployment_circuit_breaker).enable && one(aws_ecs_service.this.deployment_circuit_breaker).rollback && one(aws_ecs_service.this.alarms).enable && one(aws_ecs_service.this.alarms).rollback && one(aws_ecs_service.this.alarms).alarm_names == toset(["taproom-prod-target-errors"]) && aws_cloudwatch_metric_alarm.target_errors.treat_missing_data == "notBreaching"
    error_message = "The circuit breaker and the alarm must roll back, and without requests the alarm must be quiet."
  }

  assert {
    condition     = !aws_ecs_service.this.enable_execute_command && alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.readonlyRootFilesystem])
    error_message = "A shell cannot be opened, and a task cannot write to its image."
  }
}

run "schedules_spot_exec_and_write_token_are_options" {
  module { source = "../modules/service" }

  variables {
    schedules              = { night = { schedule = "cron(0 20 ? * * *)", time_zone = "Europe/Berlin", minimum = 0, maximum = 0 } }
    spot_percent           = 100
    exec_is_allowed        = true
    write_token_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:write-token"
  }

  override_resource {
    target = aws_appautoscaling_policy.this
    values = { arn = "made in this run" }
  }

  assert {
    condition     = alltrue([for policy in aws_appautoscaling_policy.this : policy.arn == "made in this run"])
    error_message = "AWS deletes the policies of the run before, with its target."
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_appautoscaling_target.scheduled) == 1 && aws_appautoscaling_scheduled_action.this["night"].timezone == "Europe/Berlin" && tonumber(one(aws_appautoscaling_scheduled_action.this["night"].scalable_target_action).max_capacity) == 0
    error_message = "The service must stop at night, and its limits must be left alone."
  }

  assert {
    condition     = { for share in aws_ecs_service.this.capacity_provider_strategy : share.capacity_provider => [share.base, share.weight] } == { FARGATE = [1, 1], FARGATE_SPOT = [0, 100] }
    error_message = "One task must not run on Spot, and ECS places none on a provider with weight 0."
  }

  assert {
    condition     = aws_ecs_service.this.enable_execute_command && !anytrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.readonlyRootFilesystem])
    error_message = "A shell can be opened, and its agent can write."
  }

  assert {
    condition = {
      for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment :
      variable.name => variable.value if contains(["SEEDING", "WEB_CONCURRENCY", "WRITE_TOKEN_SECRET_ARN"], variable.name)
    } == { SEEDING = "off", WEB_CONCURRENCY = "2", WRITE_TOKEN_SECRET_ARN = var.write_token_secret_arn }
    error_message = "The service has another setting."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.task.policy).Statement[*].Sid == ["ReadLoginSecret", "DecryptLoginSecret", "OpenExecChannels", "GetWriteToken", "DecryptWriteToken"]
    error_message = "The task must be allowed to open a shell's channels and to read its token."
  }
}

run "with_iam_authentication_the_task_connects_as_one_user_of_one_database_and_reads_no_secret" {
  command = plan
  module { source = "../modules/service" }

  variables {
    service_secret_arn = null
    iam_login          = { user = "beers_app", address = "database.example", port = 5432, database = "beers", resource_id = "db-MOCKED" }
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : [statement.Action, statement.Resource]] == [[["rds-db:connect"], ["arn:aws:rds-db:us-east-1:123456789012:dbuser:db-MOCKED/beers_app"]]]
    error_message = "The tasks' role must log in as beers_app of this database only, and read no secret."
  }

  assert {
    condition     = contains(local.app_container.environment, { name = "DATABASE_IAM_URL", value = "postgresql://beers_app@database.example:5432/beers" }) && !contains(local.app_container.environment[*].name, "DATABASE_SECRET_ARN")
    error_message = "The service must get the address and the user, and no secret."
  }

  assert {
    condition     = local.migrate_container.secrets == [{ name = "DATABASE_SECRET", valueFrom = "arn:aws:secretsmanager:us-east-1:123456789012:secret:migrator" }]
    error_message = "The migration must keep its secret: with a token, the service's own role could become the owner."
  }
}

run "a_secret_beside_iam_authentication_is_refused" {
  command = plan
  module { source = "../modules/service" }
  variables { iam_login = { user = "beers_app", address = "database.example", port = 5432, database = "beers", resource_id = "db-MOCKED" } }

  expect_failures = [var.service_secret_arn]
}

run "a_login_that_is_a_pattern_is_refused" {
  command = plan
  module { source = "../modules/service" }

  variables {
    service_secret_arn = null
    iam_login          = { user = "*", address = "database.example", port = 5432, database = "beers", resource_id = "db-MOCKED" }
  }

  expect_failures = [var.iam_login]
}

run "tasks_that_ecs_rolled_back_fail_the_apply" {
  module { source = "../modules/service" }

  override_data {
    target = data.aws_ecs_service.deployed
    values = { task_definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/taproom-prod:0" }
  }

  expect_failures = [data.aws_ecs_service.deployed]
}
