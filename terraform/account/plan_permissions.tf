# What a plan reads: how everything is configured, and the states. No content of a secret, a bucket, a log or a table, and
# nothing is changed; `terraform plan -lock=false`, because a lock would be a change.
data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "ReadStates"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = [module.state_bucket.arn, "${module.state_bucket.arn}/${var.project_name}/*"]
  }

  # checkov:skip=CKV_AWS_356:Descriptions know no resource in most of these services, and they show no content
  statement {
    sid = "Look"
    actions = [
      "acm:DescribeCertificate",
      "acm:ListTagsForCertificate",
      "application-autoscaling:Describe*",
      "application-autoscaling:ListTagsForResource",
      "budgets:Describe*",
      "budgets:ListTagsForResource",
      "budgets:ViewBudget",
      "cloudwatch:Describe*",
      "cloudwatch:GetDashboard",
      "cloudwatch:ListTagsForResource",
      "ec2:Describe*",
      "ec2:GetManagedPrefixListEntries",
      "ecs:Describe*",
      "ecs:ListTagsForResource",
      "elasticloadbalancing:Describe*",
      "events:Describe*",
      "events:ListTagsForResource",
      "events:ListTargetsByRule",
      "iam:GetPolicy",
      "iam:GetPolicyVersion",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListRolePolicies",
      "kms:DescribeKey",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListAliases",
      "kms:ListResourceTags",
      "lambda:GetFunction*",
      "lambda:GetPolicy",
      "lambda:ListTags",
      "lambda:ListVersionsByFunction",
      "logs:Describe*",
      "logs:ListTagsForResource",
      "rds:Describe*",
      "rds:ListTagsForResource",
      "route53:Get*",
      "route53:List*",
      "scheduler:Get*",
      "scheduler:ListTagsForResource",
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetResourcePolicy",
      "sns:Get*",
      "sns:ListTagsForResource",
      "sqs:GetQueueAttributes",
      "sqs:ListQueueTags",
      "wafv2:Get*",
      "wafv2:ListTagsForResource",
    ]
    resources = ["*"]
  }
}
