# Permissions of a deployment for the environment's own resources, by name.
locals {
  deploy_resources = { for name, own in local.own : name => concat([
    {
      Sid      = "DescribeUnscoped"
      Action   = concat(local.describe_unscoped_actions, ["ec2:GetSecurityGroupsForVpc"]) # Elastic Load Balancing calls it for the caller
      Resource = ["*"]
    },
    # RDS calls kms:DescribeKey on AWS's own keys, which have no tags, as the caller, even if it is given another key.
    {
      Sid    = "DescribeScoped"
      Action = ["ec2:DescribeVpcAttribute", "ec2:GetManagedPrefixListEntries", "kms:DescribeKey", "rds:Describe*", "route53:GetChange"]
      Resource = [
        "arn:${local.partition}:ec2:${local.place}:vpc/*",
        "arn:${local.partition}:ec2:${var.region}:aws:prefix-list/*",
        "arn:${local.partition}:kms:*:${local.account_id}:key/*",
        "arn:${local.partition}:rds:${local.place}:*",
        "arn:${local.partition}:route53:::change/*",
      ]
    },
    {
      Sid = "ManageOwnResources"
      Action = [
        "application-autoscaling:*", "cloudwatch:*", "ecs:*", "elasticloadbalancing:*", "events:*", "lambda:*", "logs:*", "rds:*",
        "scheduler:*", "sns:*", "wafv2:*",
      ]
      Resource = concat(local.own_log_groups[name], [for group in local.own_log_groups[name] : "${group}:*"], [
        for name in [
          "application-autoscaling:${local.place}:scalable-target/*",
          "cloudwatch:${local.place}:alarm:${own}-*",
          "cloudwatch:${local.place}:alarm:TargetTracking-service/${own}/*", # which autoscaling makes in the caller's name
          "cloudwatch::${local.account_id}:dashboard/${own}",
          "ecs:${local.place}:cluster/${own}",
          "ecs:${local.place}:service/${own}/*",
          "ecs:${local.place}:service-deployment/${own}/*", # by which version 6 of the provider waits for a deployment
          "ecs:${local.place}:task-definition/${own}:*",
          "ecs:${local.place}:task-definition/${own}-psql:*",
          "elasticloadbalancing:${local.place}:listener/app/${own}/*",
          "elasticloadbalancing:${local.place}:listener-rule/app/${own}/*",
          "elasticloadbalancing:${local.place}:loadbalancer/app/${own}/*",
          "elasticloadbalancing:${local.place}:targetgroup/${own}/*",
          "events:${local.place}:rule/${own}-*",
          "lambda:${local.place}:function:${own}-*",
          "rds:${local.place}:db:${own}",
          "rds:${local.place}:db:${own}-*",
          "rds:${local.place}:og:default*",
          "rds:${local.place}:pg:${own}-*",
          "rds:${local.place}:snapshot:${own}-*",
          "rds:${local.place}:snapshot:preupgrade-${own}-*",
          "rds:${local.place}:snapshot:rds:${own}-*", # automated
          "rds:${local.place}:subgrp:${own}",
          "scheduler:${local.place}:schedule-group/${own}-*",
          "scheduler:${local.place}:schedule/${own}-*/*",
          "sns:${local.place}:${own}-*",
          "wafv2:${local.place}:regional/managedruleset/*/*",
          "wafv2:${local.place}:regional/webacl/${own}/*",
        ] : "arn:${local.partition}:${name}"
      ])
    },
    # WAF lets CloudWatch Logs deliver its log by a policy of the account or log group, which it writes as the caller.
    { Sid = "ManageFirewallLogDelivery", Action = ["logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:PutResourcePolicy"], Resource = ["*"] },
    # CloudWatch refuses composite alarms to a narrower scope.
    { Sid = "PutCompositeAlarms", Action = ["cloudwatch:PutCompositeAlarm"], Resource = ["*"] },
    # Copies carry no name of an environment. Starting and stopping them takes a permission on the instance, too.
    ], [for region in compact([var.backup_copy_region]) : {
      Sid      = "CopyBackups"
      Action   = ["rds:DescribeDBInstanceAutomatedBackups", "rds:StartDBInstanceAutomatedBackupsReplication"]
      Resource = ["arn:${local.partition}:rds:${region}:${local.account_id}:auto-backup:*"]
  }]) }
}
