# Permissions of a deployment for the environment's own resources, by name.
data "aws_iam_policy_document" "deploy_resources" {
  for_each = local.own

  statement {
    sid       = "DescribeUnscoped"
    actions   = concat(local.describe_unscoped_actions, ["ec2:GetSecurityGroupsForVpc"]) # Elastic Load Balancing calls it for the caller
    resources = ["*"]
  }

  statement {
    sid     = "DescribeScoped"
    actions = ["ec2:DescribeVpcAttribute", "ec2:GetManagedPrefixListEntries", "rds:Describe*", "route53:GetChange"]
    resources = [
      "arn:${local.partition}:ec2:${local.place}:vpc/*",
      "arn:${local.partition}:ec2:${var.region}:aws:prefix-list/*",
      "arn:${local.partition}:rds:${local.place}:*",
      "arn:${local.partition}:route53:::change/*",
    ]
  }

  statement {
    sid = "ManageOwnResources"
    actions = [
      "application-autoscaling:*", "cloudwatch:*", "ecs:*", "elasticloadbalancing:*", "events:*", "lambda:*", "logs:*", "rds:*",
      "scheduler:*", "sns:*", "wafv2:*",
    ]
    resources = concat(local.own_log_groups[each.key], [for group in local.own_log_groups[each.key] : "${group}:*"], [
      for name in [
        "application-autoscaling:${local.place}:scalable-target/*",
        "cloudwatch:${local.place}:alarm:${each.value}-*",
        "cloudwatch:${local.place}:alarm:TargetTracking-service/${each.value}/*", # which autoscaling makes in the caller's name
        "cloudwatch::${local.account_id}:dashboard/${each.value}",
        "ecs:${local.place}:cluster/${each.value}",
        "ecs:${local.place}:service/${each.value}/*",
        "ecs:${local.place}:task-definition/${each.value}:*",
        "ecs:${local.place}:task-definition/${each.value}-psql:*",
        "elasticloadbalancing:${local.place}:listener/app/${each.value}/*",
        "elasticloadbalancing:${local.place}:listener-rule/app/${each.value}/*",
        "elasticloadbalancing:${local.place}:loadbalancer/app/${each.value}/*",
        "elasticloadbalancing:${local.place}:targetgroup/${each.value}/*",
        "events:${local.place}:rule/${each.value}-*",
        "lambda:${local.place}:function:${each.value}-*",
        "rds:${local.place}:db:${each.value}",
        "rds:${local.place}:og:default*",
        "rds:${local.place}:pg:${each.value}-*",
        "rds:${local.place}:snapshot:${each.value}-*",
        "rds:${local.place}:subgrp:${each.value}",
        "scheduler:${local.place}:schedule-group/${each.value}-*",
        "scheduler:${local.place}:schedule/${each.value}-*/*",
        "sns:${local.place}:${each.value}-*",
        "wafv2:${local.place}:regional/managedruleset/*/*",
        "wafv2:${local.place}:regional/webacl/${each.value}/*",
      ] : "arn:${local.partition}:${name}"
    ])
  }

  # CloudWatch Logs delivers the firewall's log through an account-wide policy, which WAF writes in the caller's name.
  statement {
    sid       = "ManageFirewallLogDelivery"
    actions   = ["logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:PutResourcePolicy"]
    resources = ["*"]
  }

  # Names of secrets, and never what is in them, but for the write token: the function fills them.
  statement {
    sid = "ManageOwnSecrets"
    actions = [
      "secretsmanager:CancelRotateSecret", "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret",
      "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy", "secretsmanager:RotateSecret",
      "secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
    ]
    resources = ["arn:${local.partition}:secretsmanager:${local.place}:secret:${each.value}/*"]
  }

  # RDS creates the master secret on behalf of the caller.
  statement {
    sid       = "CreateMasterSecret"
    actions   = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
    resources = [local.master_secrets]

    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:ResourceTag/aws:rds:primaryDBInstanceArn"
      values   = [local.own_instance[each.key]]
    }
  }
}
