# How the service logs in, and what its tasks may therefore do.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                      = "taproom-dev"
  image                     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  task_count                = { minimum = 1, maximum = 1 }
  cpu_units                 = 256
  memory_mebibytes          = 512
  cpu_architecture          = "ARM64"
  service_port              = 8000
  migrator_secret_arn       = "arn:aws:secretsmanager:us-east-1:123456789012:secret:migrator"
  private_subnet_ids        = ["subnet-3"]
  service_security_group_id = "sg-2"
  target_group_arn          = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/taproom-dev/1"
  target_group_arn_suffix   = "targetgroup/taproom-prod/1"
  load_balancer_arn_suffix  = "app/taproom-prod/1"
  kms_key_arn               = "arn:aws:kms:us-east-1:123456789012:key/mocked"
}

run "with_a_secret_the_task_may_read_that_secret_and_is_told_its_name" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    service_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app"
  }

  assert {
    condition     = one(data.aws_iam_policy_document.task).statement[0].resources == toset(["arn:aws:secretsmanager:us-east-1:123456789012:secret:app"])
    error_message = "The tasks' role must read the login's secret and no other."
  }

  assert {
    condition     = length(data.aws_iam_policy_document.connect) == 0
    error_message = "The tasks' role must not log in by token."
  }

  assert {
    condition     = contains(local.app_container.environment, { name = "DATABASE_SECRET_ARN", value = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app" })
    error_message = "The service must be told its secret."
  }
}

run "with_a_token_the_task_may_log_in_as_one_user_of_one_database_and_read_no_secret" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    iam_login = {
      user        = "beers_app"
      address     = "database.example"
      port        = 5432
      database    = "beers"
      resource_id = "db-MOCKED"
    }
  }

  assert {
    condition     = one(data.aws_iam_policy_document.connect).statement[0].resources == toset(["arn:aws:rds-db:us-east-1:123456789012:dbuser:db-MOCKED/beers_app"]) && one(data.aws_iam_policy_document.connect).statement[0].actions == toset(["rds-db:connect"])
    error_message = "The tasks' role must log in as beers_app of this database and as nobody else."
  }

  assert {
    condition     = length(data.aws_iam_policy_document.task) == 0
    error_message = "The tasks' role must not read a secret."
  }

  assert {
    condition     = contains(local.app_container.environment, { name = "DATABASE_IAM_URL", value = "postgresql://beers_app@database.example:5432/beers" }) && !contains(local.app_container.environment[*].name, "DATABASE_SECRET_ARN")
    error_message = "The service must be told where to log in as whom, and no secret."
  }

  assert {
    condition     = local.migrate_container.secrets == [{ name = "DATABASE_SECRET", valueFrom = "arn:aws:secretsmanager:us-east-1:123456789012:secret:migrator" }]
    error_message = "The migration must keep its secret: with a token, the service's own role could become the owner."
  }
}

run "a_secret_and_a_token_at_once_are_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    service_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app"
    iam_login          = { user = "beers_app", address = "database.example", port = 5432, database = "beers", resource_id = "db-MOCKED" }
  }

  expect_failures = [var.service_secret_arn]
}

run "a_login_that_would_be_a_pattern_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    iam_login = { user = "*", address = "database.example", port = 5432, database = "beers", resource_id = "db-MOCKED" }
  }

  expect_failures = [var.iam_login]
}
