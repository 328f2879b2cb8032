# A backstop, off by default: tasks fetch a new credential by themselves, whenever they open a connection. Turned on, every
# new credential of the service starts its tasks anew, as a service needs that reads its credential only when it starts.

variable "redeploy_on_rotation" {
  description = "Whether each new credential of the service also starts its tasks anew."
  type        = bool
  default     = false
  nullable    = false
}

variable "redeploy_package_file" {
  description = "Path of the zip with the function that starts the tasks anew, as `make package` builds it; needed with redeploy_on_rotation only."
  type        = string
  default     = null

  validation {
    condition     = !var.redeploy_on_rotation || try(endswith(var.redeploy_package_file, ".zip"), false)
    error_message = "Give the path of a zip; `make package` builds build/db_bootstrap.zip."
  }
}

variable "dead_letter_topic_arn" {
  description = "SNS topic, encrypted with the same key, that gets the new credentials' events which the function failed at three times; needed with redeploy_on_rotation only."
  type        = string
  default     = null

  validation {
    condition     = var.redeploy_on_rotation ? can(regex("^arn:[a-z-]+:sns:", var.dead_letter_topic_arn)) : true
    error_message = "Give the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:on-call."
  }
}

locals {
  redeploy_name  = "${var.name}-redeploy"
  redeploy_count = var.redeploy_on_rotation ? 1 : 0
}

# Secrets Manager's own event, which needs no CloudTrail trail.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html
resource "aws_cloudwatch_event_rule" "redeploy" {
  count = local.redeploy_count

  name        = local.redeploy_name
  description = "The login of service ${var.name} has a new credential"

  event_pattern = jsonencode({
    source        = ["aws.secretsmanager"]
    "detail-type" = ["Secret Label Updated"]
    resources     = [var.service_secret_arn]
    detail        = { labelUpdated = ["AWSCURRENT"] }
  })
}

# UpdateService is none of the targets that a rule can have, so a function calls it.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
resource "aws_cloudwatch_event_target" "redeploy" {
  count = local.redeploy_count

  rule      = aws_cloudwatch_event_rule.redeploy[0].name
  target_id = "redeploy"
  arn       = module.redeploy[0].arn
}

resource "aws_lambda_permission" "redeploy" {
  count = local.redeploy_count

  statement_id   = "RedeployOnRotation"
  function_name  = module.redeploy[0].name
  action         = "lambda:InvokeFunction"
  principal      = "events.amazonaws.com"
  source_account = local.account_id
  source_arn     = aws_cloudwatch_event_rule.redeploy[0].arn
}

# Outside the VPC, which has no endpoint of ECS.
module "redeploy" {
  source = "../function"
  count  = local.redeploy_count

  name            = local.redeploy_name
  description     = "Starts the tasks of service ${var.name} anew"
  handler         = "db_bootstrap.lambdas.redeploy.redeploy"
  timeout_seconds = 30
  permissions     = data.aws_iam_policy_document.redeploy.json

  environment = {
    ECS_CLUSTER             = aws_ecs_cluster.this.name
    ECS_SERVICE             = aws_ecs_service.this.name
    POWERTOOLS_SERVICE_NAME = local.redeploy_name
  }

  package_file             = var.redeploy_package_file
  dead_letter_topic_arn    = var.dead_letter_topic_arn
  log_retention_days       = var.log_retention_days
  kms_key_arn              = var.kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "redeploy" {
  statement {
    sid       = "RedeployOwnService"
    actions   = ["ecs:UpdateService"]
    resources = [aws_ecs_service.this.id]
  }
}
