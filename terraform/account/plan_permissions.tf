# The permissions of a plan: read configuration and states. No content of a secret, a bucket, a log or a table, and
# nothing is changed; `terraform plan -lock=false -refresh=false`, because a lock would be a change, and a refresh reads the
# write token. The database is asked by the function that can only plan.
locals {
  plan = [
    {
      Sid      = "ReadStates"
      Action   = ["s3:GetObject", "s3:ListBucket"]
      Resource = [module.state_bucket.arn, "${module.state_bucket.arn}/${var.project_name}/*"]
    },
    {
      Sid      = "DescribeUnscoped"
      Action   = concat(local.describe_unscoped_actions, ["secretsmanager:GetRandomPassword"]) # a plan tries a token, and forgets it
      Resource = ["*"]
    },
    {
      Sid = "DescribeScoped"
      Action = [
        "acm:DescribeCertificate", "acm:ListTagsForCertificate", "application-autoscaling:ListTagsForResource",
        "budgets:ListTagsForResource", "budgets:ViewBudget", "cloudwatch:Describe*", "cloudwatch:GetDashboard",
        "cloudwatch:ListTagsForResource", "ec2:DescribeVpcAttribute", "ec2:GetManagedPrefixListEntries", "ecs:Describe*",
        "ecs:ListTagsForResource", "events:Describe*", "events:ListTagsForResource", "events:ListTargetsByRule", "iam:GetPolicy",
        "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
        "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags", "lambda:GetFunction*",
        "lambda:GetPolicy", "lambda:ListTags", "lambda:ListVersionsByFunction", "logs:Describe*", "logs:ListTagsForResource",
        "rds:Describe*", "rds:ListTagsForResource", "route53:GetHostedZone", "route53:ListResourceRecordSets",
        "route53:ListTagsForResource", "scheduler:Get*", "scheduler:ListTagsForResource", "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy", "sns:Get*", "sns:ListTagsForResource", "wafv2:Get*", "wafv2:ListTagsForResource",
      ]
      Resource = concat(
        [
          for service in [
            "acm", "application-autoscaling", "budgets", "cloudwatch", "ec2", "ecs", "elasticloadbalancing", "events", "kms", "lambda", "logs",
            "rds", "scheduler", "secretsmanager", "sns", "wafv2",
          ] : "arn:${local.partition}:${service}:*:${local.account_id}:*"
        ],
        [
          "arn:${local.partition}:ec2:${var.region}:aws:prefix-list/*",
          "arn:${local.partition}:iam::${local.account_id}:policy/${var.project_name}-*",
          "arn:${local.partition}:iam::${local.account_id}:role/${var.project_name}-*",
          "arn:${local.partition}:route53:::hostedzone/*",
        ],
      )
    },
    {
      # Terraform invokes the version $LATEST.
      Sid      = "InvokePlanner"
      Action   = ["lambda:InvokeFunction"]
      Resource = [for version in ["", ":*"] : "arn:${local.partition}:lambda:${local.place}:function:${var.project_name}-*-access-plan${version}"]
    },
  ]
}
