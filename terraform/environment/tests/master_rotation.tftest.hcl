# The rotation of the master's password, which RDS does by itself.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name              = "taproom-dev"
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-1"
  kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/mocked"
  database_name     = "beers"
}

run "the_master_is_rotated_every_seven_days_without_a_function" {
  module {
    source = "../modules/database"
  }

  assert {
    condition = (
      aws_secretsmanager_secret_rotation.master.secret_id == aws_db_instance.this.master_user_secret[0].secret_arn
      && aws_secretsmanager_secret_rotation.master.rotation_lambda_arn == null
      && aws_secretsmanager_secret_rotation.master.rotate_immediately == false
      && aws_secretsmanager_secret_rotation.master.rotation_rules[0].automatically_after_days == 7
    )
    error_message = "It is rotated by ${jsonencode(aws_secretsmanager_secret_rotation.master)}."
  }
}

run "a_schedule_takes_the_place_of_days" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    master_rotation = { schedule = "rate(12 hours)", window_hours = 2 }
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.master.rotation_rules[0].schedule_expression == "rate(12 hours)" && aws_secretsmanager_secret_rotation.master.rotation_rules[0].duration == "2h"
    error_message = "The rules are ${jsonencode(aws_secretsmanager_secret_rotation.master.rotation_rules)}."
  }
}

run "days_and_a_schedule_are_refused" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    master_rotation = { days = 7, schedule = "rate(10 days)" }
  }

  expect_failures = [var.master_rotation]
}

run "a_schedule_that_secrets_manager_refuses_is_refused" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    master_rotation = { schedule = "every sunday" }
  }

  expect_failures = [var.master_rotation]
}

run "half_a_day_is_refused" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    master_rotation = { days = 1.5 }
  }

  expect_failures = [var.master_rotation]
}

run "a_window_of_more_than_a_day_is_refused" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    master_rotation = { days = 7, window_hours = 25 }
  }

  expect_failures = [var.master_rotation]
}

run "a_window_of_no_hour_is_refused" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    master_rotation = { days = 7, window_hours = 0 }
  }

  expect_failures = [var.master_rotation]
}

run "a_window_of_an_hour_and_a_half_is_refused" {
  command = plan

  module {
    source = "../modules/database"
  }

  variables {
    master_rotation = { days = 7, window_hours = 1.5 }
  }

  expect_failures = [var.master_rotation]
}
