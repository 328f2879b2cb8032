# What the tasks are told about who may change the catalogue, and when they start anew.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                      = "taproom-prod"
  image                     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  task_count                = { minimum = 2, maximum = 2 }
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

run "the_service_is_told_where_its_token_is_and_that_seeding_is_off" {
  module {
    source = "../modules/service"
  }

  variables {
    write_token_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:write-token"
  }

  assert {
    condition = {
      for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment :
      variable.name => variable.value if contains(["SEEDING", "WRITE_TOKEN_SECRET_ARN"], variable.name)
    } == { SEEDING = "off", WRITE_TOKEN_SECRET_ARN = var.write_token_secret_arn }
    error_message = "The service is told otherwise."
  }

  assert {
    condition     = data.aws_iam_policy_document.running.statement[*].sid == tolist(["ReadWriteToken", "DecryptWriteToken"])
    error_message = "The task must be let at its token."
  }
}

run "without_a_token_the_service_is_told_of_none" {
  module {
    source = "../modules/service"
  }

  variables {
    seeding_is_allowed = true
  }

  assert {
    condition = {
      for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment :
      variable.name => variable.value if contains(["SEEDING", "WRITE_TOKEN_SECRET_ARN"], variable.name)
    } == { SEEDING = "on" }
    error_message = "The service is told otherwise."
  }

  assert {
    condition     = length(data.aws_iam_policy_document.running.statement) == 0
    error_message = "There is no token to read."
  }
}

run "a_new_credential_starts_no_task_anew_unless_told_otherwise" {
  command = plan

  module {
    source = "../modules/service"
  }

  assert {
    condition = alltrue([
      for made in [
        aws_cloudwatch_event_rule.redeploy, aws_cloudwatch_event_target.redeploy, aws_lambda_permission.redeploy, module.redeploy,
      ] : length(made) == 0
    ])
    error_message = "The tasks fetch it by themselves."
  }

  assert {
    condition     = length(output.functions) == 0
    error_message = "There is no function to watch."
  }
}

run "a_new_credential_starts_the_tasks_anew_where_that_is_asked_for" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    redeploy_on_rotation  = true
    redeploy_package_file = "tests/mocks/package.zip"
    dead_letter_topic_arn = "arn:aws:sns:us-east-1:123456789012:taproom-prod-alarms"
  }

  assert {
    condition = alltrue([
      for made in [
        aws_cloudwatch_event_rule.redeploy, aws_cloudwatch_event_target.redeploy, aws_lambda_permission.redeploy, module.redeploy,
      ] : length(made) == 1
    ])
    error_message = "A rule must invoke a function that may do it."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.redeploy[0].event_pattern).resources == [var.service_secret_arn]
    error_message = "Only the service's own credential must do so."
  }

  assert {
    condition     = output.functions == { redeploy = { name = "taproom-prod-redeploy", timeout_seconds = 30, has_error_alarm = false } }
    error_message = "The function must be watched."
  }
}

run "tasks_that_ecs_did_not_keep_fail_the_apply" {
  module {
    source = "../modules/service"
  }

  override_data {
    target = data.aws_ecs_service.deployed
    values = {
      task_definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/taproom-prod:0"
    }
  }

  expect_failures = [data.aws_ecs_service.deployed]
}
