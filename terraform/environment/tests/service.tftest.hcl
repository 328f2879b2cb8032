# What the tasks know about the write token, and what fails an apply.

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
