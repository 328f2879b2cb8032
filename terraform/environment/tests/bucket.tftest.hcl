# How long a bucket keeps objects, and which topic is notified of its use.

mock_provider "aws" { source = "./tests/mocks" }

variables { name = "taproom-terraform-state-123456789012" }

run "an_earlier_version_is_kept_for_a_year_and_the_present_one_for_ever" {
  command = plan
  module { source = "../modules/bucket" }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.this[0].rule[0].noncurrent_version_expiration[0].noncurrent_days == 365 &&
      length(aws_s3_bucket_lifecycle_configuration.this[0].rule[0].expiration) == 0
    )
    error_message = "Only old versions may go, and not before a year."
  }
}

run "objects_can_go_and_their_use_be_logged" {
  command = plan
  module { source = "../modules/bucket" }

  variables {
    object_days            = 90
    old_version_days       = 1
    prefix_days            = { "plans/" = 2 }
    access_log_bucket_name = "taproom-access-logs-123456789012"
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this[0].rule[0].expiration).days == 90
    error_message = "An object must go after 90 days."
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_bucket == "taproom-access-logs-123456789012" && aws_s3_bucket_logging.this[0].target_prefix == "${var.name}/"
    error_message = "Its use must be logged under its own name."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule :
      "${rule.id} ${one(rule.expiration).days} ${one(rule.noncurrent_version_expiration).noncurrent_days}"
    ] == ["expire 90 1", "expire-plans 2 1"]
    error_message = "Objects below the prefix must expire earlier than the others."
  }
}

run "everything_can_be_kept_for_ever_and_its_use_not_be_logged" {
  command = plan
  module { source = "../modules/bucket" }
  variables { old_version_days = null }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this) == 0 && length(aws_s3_bucket_logging.this) == 0
    error_message = "Nothing must go, and nothing be logged."
  }
}

run "a_bucket_that_logs_to_itself_and_objects_that_never_expire_as_old_versions_are_refused" {
  command = plan
  module { source = "../modules/bucket" }

  variables {
    access_log_bucket_name = "taproom-terraform-state-123456789012"
    object_days            = 90
    old_version_days       = null
  }

  expect_failures = [var.access_log_bucket_name, var.object_days]
}
