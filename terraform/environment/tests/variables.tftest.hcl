# What an environment refuses because it does not fit together; single values, see environment_refusals.tftest.hcl.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment                = "dev"
  is_temporary               = true
  image                      = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  database_bootstrap_package = "tests/mocks/package.zip"
}

run "an_image_by_the_tag_latest_is_refused" {
  command = plan

  variables {
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom:latest"
  }

  expect_failures = [var.image]
}

run "an_image_without_tag_or_digest_is_refused" {
  command = plan

  variables {
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom"
  }

  expect_failures = [var.image]
}

run "an_image_of_a_registry_that_the_tasks_cannot_reach_is_refused" {
  command = plan

  variables {
    image = "docker.io/library/nginx:1.29"
  }

  expect_failures = [var.image]
}

run "a_memory_that_fargate_does_not_offer_is_refused" {
  command = plan

  variables {
    service_cpu_units        = 256
    service_memory_mebibytes = 4096
  }

  expect_failures = [var.service_memory_mebibytes]
}

run "an_access_document_without_the_service_s_own_login_is_refused" {
  command = plan

  variables {
    access = {
      database = "beers"
      schemas  = { beers = { owner = "beers_owner" } }
      roles    = { beers_owner = {} }
      logins   = { beers_migrator = { credential = "rotated", acts_as = "beers_owner" } }
    }
  }

  expect_failures = [var.access]
}

run "an_access_document_whose_migrator_has_no_password_is_refused" {
  command = plan

  variables {
    access = {
      database = "beers"
      schemas  = { beers = { owner = "beers_owner" } }
      roles    = { beers_owner = {} }
      logins = {
        beers_app      = { credential = "rotated" }
        beers_migrator = { credential = "iam", acts_as = "beers_owner" }
      }
    }
  }

  expect_failures = [var.access]
}

run "a_service_by_token_whose_login_has_a_password_is_refused" {
  command = plan

  variables {
    database_auth = "iam"
  }

  expect_failures = [var.access]
}

run "a_service_with_a_secret_whose_login_has_none_is_refused" {
  command = plan

  variables {
    access = {
      database = "beers"
      schemas  = { beers = { owner = "beers_owner" } }
      roles    = { beers_owner = {} }
      logins = {
        beers_app      = { credential = "iam" }
        beers_migrator = { credential = "rotated", acts_as = "beers_owner" }
      }
    }
  }

  expect_failures = [var.access]
}

run "as_many_sessions_of_the_service_as_its_login_allows_pass" {
  command = plan

  variables {
    service_task_count       = { minimum = 2, maximum = 6 }
    service_cpu_units        = 1024
    service_memory_mebibytes = 2048
  }
}

run "more_sessions_of_the_service_than_its_login_allows_are_refused" {
  command = plan

  variables {
    service_task_count       = { minimum = 2, maximum = 6 }
    service_cpu_units        = 4096
    service_memory_mebibytes = 8192
  }

  expect_failures = [var.access]
}

run "plain_http_is_refused_unless_the_environment_is_temporary" {
  command = plan

  variables {
    is_temporary = false
  }

  expect_failures = [var.domain_name]
}

run "a_domain_in_capitals_is_refused" {
  command = plan

  variables {
    domain_name   = "Beers.example.com"
    dns_zone_name = "example.com"
  }

  expect_failures = [var.domain_name]
}

run "a_domain_beside_a_certificate_is_refused" {
  command = plan

  variables {
    domain_name     = "beers.example.com"
    dns_zone_name   = "example.com"
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/ours"
  }

  expect_failures = [var.domain_name]
}

run "a_domain_outside_its_zone_is_refused" {
  command = plan

  variables {
    domain_name   = "beers.example.com"
    dns_zone_name = "example.org"
  }

  expect_failures = [var.dns_zone_name]
}

run "a_master_s_schedule_beside_days_is_refused" {
  command = plan

  variables {
    master_rotation = { days = 7, schedule = "rate(7 days)", overdue_after_days = 9 }
  }

  expect_failures = [var.master_rotation]
}

run "a_master_s_schedule_without_saying_when_it_is_overdue_is_refused" {
  command = plan

  variables {
    master_rotation = { schedule = "rate(7 days)" }
  }

  expect_failures = [var.master_rotation]
}

run "neither_days_nor_a_schedule_for_the_logins_is_refused" {
  command = plan

  variables {
    login_rotation = {}
  }

  expect_failures = [var.login_rotation]
}

run "spare_capacity_is_refused_for_prod" {
  command = plan

  variables {
    environment          = "prod"
    service_spot_percent = 50
  }

  expect_failures = [var.service_spot_percent]
}

run "fewer_tasks_at_most_than_at_least_are_refused" {
  command = plan

  variables {
    service_task_count = { minimum = 2, maximum = 1 }
  }

  expect_failures = [var.service_task_count]
}

run "schedules_the_wrong_way_round_are_refused" {
  command = plan

  variables {
    service_schedules = { night = { schedule = "rate(1 day)", minimum = 2, maximum = 1 } }
  }

  expect_failures = [var.service_schedules]
}
