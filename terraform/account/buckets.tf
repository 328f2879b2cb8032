# States contain no password, but they describe everything, and write access to one controls what the next apply does.
module "state_bucket" {
  source = "../modules/bucket"

  name                   = local.state_bucket_name
  policy                 = data.aws_iam_policy_document.state_bucket.json
  prefix_days            = var.state_version_days == 0 ? {} : { "plans/" = 2 }
  access_log_bucket_name = module.access_log_bucket.name
  old_version_days       = var.state_version_days == 0 ? null : var.state_version_days
}

locals {
  state_bucket_name = "${var.project_name}-terraform-state-${local.account_id}"
  state_bucket_arn  = "arn:${local.partition}:s3:::${local.state_bucket_name}"

  # An environment finds the bucket by this name; its load balancers write below the environment's own.
  access_log_bucket_name = "${var.project_name}-access-logs-${local.account_id}"
  access_log_bucket_arn  = "arn:${local.partition}:s3:::${local.access_log_bucket_name}"
}

# Access logs: of the states, and of every environment's load balancer. It is here and not in the environments, so that a
# log outlives what it is about.
module "access_log_bucket" {
  source = "../modules/bucket"

  name                  = local.access_log_bucket_name
  is_encrypted_with_kms = false
  policy                = data.aws_iam_policy_document.access_logs.json
  object_days           = var.access_log_days == 0 ? null : var.access_log_days
  old_version_days      = var.access_log_days == 0 ? null : 1
}

data "aws_iam_policy_document" "access_logs" {
  # The path names the account. Users disagree whether deliveries have aws:SourceArn.
  statement {
    sid       = "LoadBalancerLogDelivery"
    actions   = ["s3:PutObject"]
    resources = ["${local.access_log_bucket_arn}/${var.project_name}-*/AWSLogs/${local.account_id}/*"]

    principals {
      type        = "Service"
      identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }

  statement {
    sid       = "ServerAccessLogDelivery"
    actions   = ["s3:PutObject"]
    resources = ["${local.access_log_bucket_arn}/${local.state_bucket_name}/*"]

    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}
