# Sessions of people: the task that forwards a port, and what its callers need.

mock_provider "aws" { source = "./tests/mocks" }

variables {
  context            = { name = "taproom-dev", permissions_boundary_arn = "arn:aws:iam::123456789012:policy/taproom-dev-boundary" }
  image              = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  cpu_architecture   = "ARM64"
  subnet_ids         = ["subnet-b", "subnet-a"]
  security_group_id  = "sg-1"
  has_public_address = true
  logins             = ["beers_report"]
  database           = { address = "taproom-dev.example", port = 5432, name = "beers", resource_id = "db-ABC" }
}

run "a_task_can_forward_a_port_and_its_caller_can_log_in_as_one_login" {
  module { source = "../modules/psql" }

  assert {
    condition     = flatten([for statement in jsondecode(aws_iam_role_policy.this["task"].policy).Statement : statement.Action]) == [for action in ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"] : "ssmmessages:${action}"]
    error_message = "The task needs the four channels only, and no secret."
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.this : role.permissions_boundary == var.context.permissions_boundary_arn])
    error_message = "Every role must have its boundary."
  }

  assert {
    condition = { for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment : variable.name => variable.value } == {
      DATABASE_HOST  = "taproom-dev.example", DATABASE_NAME = "beers", DATABASE_PORT = "5432", LOGINS = "beers_report",
      PUBLIC_ADDRESS = "ENABLED", SECURITY_GROUP = "sg-1", SUBNETS = "subnet-a subnet-b"
    }
    error_message = "scripts/psql.py reads these."
  }

  assert {
    condition = jsonencode({ for statement in jsondecode(output.policies["beers_report"]).Statement : statement.Sid => statement.Condition if length(statement.Condition) > 0 }) == jsonencode({
      FollowAndStopTask = { StringEquals = { "aws:ResourceTag/Purpose" = "taproom-dev-psql" } }
      PassTaskRoles     = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      StartTask         = { ArnEquals = { "ecs:cluster" = "arn:aws:ecs:us-east-1:123456789012:cluster/taproom-dev" } }
      TagTask           = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
    })
    error_message = "A caller must be limited to this environment's sessions."
  }

  assert {
    condition     = one([for statement in jsondecode(output.policies["beers_report"]).Statement : one(statement.Resource) if statement.Sid == "LogIn"]) == "arn:aws:rds-db:us-east-1:123456789012:dbuser:db-ABC/beers_report"
    error_message = "It must be this login on this database."
  }
}
