# What the module service refuses; of how many tasks there are, see scaling.tftest.hcl.

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

run "too_little_of_everything_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    name                      = "t"
    image                     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom"
    cpu_units                 = 128
    service_port              = 1023
    service_secret_arn        = ""
    migrator_secret_arn       = ""
    private_subnet_ids        = []
    target_group_arn          = ""
    kms_key_arn               = ""
    permissions_boundary_arn  = ""
    service_security_group_id = ""
    log_retention_days        = 2
    spot_percent              = -1
    schedules                 = { night = { schedule = "rate(1 day)", minimum = -1, maximum = 0 } }
    write_token_secret_arn    = ""
  }

  expect_failures = [
    var.name,
    var.image,
    var.cpu_units,
    var.service_port,
    var.service_secret_arn,
    var.migrator_secret_arn,
    var.private_subnet_ids,
    var.target_group_arn,
    var.kms_key_arn,
    var.permissions_boundary_arn,
    var.service_security_group_id,
    var.log_retention_days,
    var.spot_percent,
    var.schedules,
    var.write_token_secret_arn,
  ]
}

run "too_much_and_nothing_at_all_are_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    name                      = "taproom-under-a-name-that-is-too-long"
    image                     = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom:latest"
    memory_mebibytes          = 5120
    service_port              = 65536
    service_secret_arn        = null
    service_security_group_id = null
    log_retention_days        = 3654
    task_count                = { minimum = 2, maximum = 101 }
    schedules                 = { rush = { schedule = "rate(1 day)", minimum = 2, maximum = 101 } }
  }

  expect_failures = [
    var.name,
    var.image,
    var.memory_mebibytes,
    var.service_port,
    var.service_secret_arn,
    var.service_security_group_id,
    var.log_retention_days,
    var.task_count,
    var.schedules,
  ]
}

run "an_image_of_another_registry_halves_and_memory_between_two_steps_are_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    image            = "docker.io/library/nginx:1.29"
    memory_mebibytes = 1536
    spot_percent     = 0.5
    task_count       = { minimum = 1, maximum = 2.5 }
  }

  expect_failures = [var.image, var.memory_mebibytes, var.spot_percent, var.task_count]
}

run "less_memory_than_fargate_gives_a_processor_is_refused" {
  command = plan

  module {
    source = "../modules/service"
  }

  variables {
    memory_mebibytes = 512
  }

  expect_failures = [var.memory_mebibytes]
}
