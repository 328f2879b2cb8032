# What an apply of one environment does. Where AWS lets a permission name its resource, it is the environment's own, so that
# a deployment of dev cannot touch prod. What has an id and no name is told apart by its tag Environment.

locals {
  place = "${var.region}:${local.account_id}"
  # The beginning of every name in an environment.
  own = { for name in var.deploy_environments : name => "${var.project_name}-${name}" }

  own_roles   = { for name, own in local.own : name => ["arn:${local.partition}:iam::${local.account_id}:role/${own}-*"] }
  own_secrets = { for name, own in local.own : name => ["arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/*", local.master_secrets] }
  own_log_groups = { for name, own in local.own : name => [
    for group in ["/aws/lambda/${own}-*", "/aws/rds/instance/${own}/*", "/ecs/${own}*", "/vpc/${own}", "aws-waf-logs-${own}"] :
    "arn:${local.partition}:logs:${local.place}:log-group:${group}"
  ] }
  # RDS names the secret of a master after an id of its own.
  master_secrets = "arn:${local.partition}:secretsmanager:${local.place}:secret:rds!db-*"
}

locals {
  # Policies rather than one inline policy, which would be longer than AWS takes.
  deploy_documents = merge([
    for name in var.deploy_environments : {
      "${name}-state-and-image" = data.aws_iam_policy_document.deploy_state_and_image[name].json
      "${name}-network"         = data.aws_iam_policy_document.deploy_network[name].json
      "${name}-roles-and-keys"  = data.aws_iam_policy_document.deploy_roles_and_keys[name].json
      "${name}-resources"       = data.aws_iam_policy_document.deploy_resources[name].json
    }
  ]...)
}

data "aws_iam_policy_document" "deploy_resources" {
  for_each = local.own

  statement {
    sid       = "LookAtWhatHasNoName"
    actions   = local.look_without_resource_actions
    resources = ["*"]
  }

  statement {
    sid     = "Look"
    actions = ["ec2:DescribeVpcAttribute", "ec2:GetManagedPrefixListEntries", "rds:Describe*", "route53:GetChange"]
    resources = [
      "arn:${local.partition}:ec2:${local.place}:vpc/*",
      "arn:${local.partition}:ec2:${var.region}:aws:prefix-list/*",
      "arn:${local.partition}:rds:${local.place}:*",
      "arn:${local.partition}:route53:::change/*",
    ]
  }

  statement {
    sid = "OwnResources"
    actions = [
      "application-autoscaling:*", "cloudwatch:*", "ecs:*", "elasticloadbalancing:*", "events:*", "lambda:*", "logs:*", "rds:*",
      "scheduler:*", "sns:*", "sqs:*", "wafv2:*",
    ]
    resources = concat(local.own_log_groups[each.key], [for group in local.own_log_groups[each.key] : "${group}:*"], [
      for name in [
        "application-autoscaling:${local.place}:scalable-target/*",
        "cloudwatch:${local.place}:alarm:${each.value}*",
        "cloudwatch:${local.place}:alarm:TargetTracking-service/${each.value}/*", # which autoscaling makes in the caller's name
        "cloudwatch::${local.account_id}:dashboard/${each.value}*",
        "ecs:${local.place}:cluster/${each.value}",
        "ecs:${local.place}:service/${each.value}/*",
        "ecs:${local.place}:task-definition/${each.value}:*",
        "elasticloadbalancing:${local.place}:listener/app/${each.value}/*",
        "elasticloadbalancing:${local.place}:listener-rule/app/${each.value}/*",
        "elasticloadbalancing:${local.place}:loadbalancer/app/${each.value}/*",
        "elasticloadbalancing:${local.place}:targetgroup/${each.value}/*",
        "events:${local.place}:rule/${each.value}*",
        "lambda:${local.place}:function:${each.value}-*",
        "rds:${local.place}:db:${each.value}",
        "rds:${local.place}:og:default*",
        "rds:${local.place}:pg:${each.value}-*",
        "rds:${local.place}:snapshot:${each.value}-*",
        "rds:${local.place}:subgrp:${each.value}",
        "scheduler:${local.place}:schedule-group/${each.value}-*",
        "scheduler:${local.place}:schedule/${each.value}-*/*",
        "sns:${local.place}:${each.value}*",
        "sqs:${local.place}:${each.value}*",
        "wafv2:${local.place}:regional/managedruleset/*/*",
        "wafv2:${local.place}:regional/webacl/${each.value}/*",
      ] : "arn:${local.partition}:${name}"
    ])
  }

  # CloudWatch Logs delivers the firewall's log through an account-wide policy, which WAF writes in the caller's name.
  statement {
    sid       = "FirewallLogDelivery"
    actions   = ["logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery"]
    resources = ["*"]
  }

  # Names of secrets, and never what is in them, but for the write token: the function fills them.
  statement {
    sid = "OwnSecrets"
    actions = [
      "secretsmanager:CancelRotateSecret",
      "secretsmanager:CreateSecret",
      "secretsmanager:DeleteSecret",
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetResourcePolicy",
      "secretsmanager:RotateSecret",
      "secretsmanager:TagResource",
      "secretsmanager:UntagResource",
      "secretsmanager:UpdateSecret",
    ]
    resources = ["arn:${local.partition}:secretsmanager:${local.place}:secret:${each.value}/*"]
  }

  # RDS makes the master's secret on behalf of whoever makes the database.
  statement {
    sid       = "MasterSecret"
    actions   = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
    resources = [local.master_secrets]
  }

  statement {
    sid       = "RequestTaggedCertificates"
    actions   = ["acm:AddTagsToCertificate", "acm:RequestCertificate"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Environment"
      values   = [each.key]
    }
  }

  statement {
    sid       = "OwnCertificates"
    actions   = ["acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:DescribeCertificate", "acm:ListTagsForCertificate", "acm:RemoveTagsFromCertificate"]
    resources = ["arn:${local.partition}:acm:${local.place}:certificate/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Environment"
      values   = [each.key]
    }
  }

  # A zone's id is not known here; prod's domain and dev's may lie in the same one.
  statement {
    sid       = "DomainRecords"
    actions   = ["route53:ChangeResourceRecordSets", "route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ListTagsForResource"]
    resources = ["arn:${local.partition}:route53:::hostedzone/*"]
  }
}

data "aws_iam_policy_document" "deploy_state_and_image" {
  for_each = local.own

  statement {
    sid       = "FindState"
    actions   = ["s3:ListBucket"]
    resources = [module.state_bucket.arn]
  }

  statement {
    sid       = "ReadAndWriteOwnState"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${module.state_bucket.arn}/${var.project_name}/${each.key}.tfstate*"]
  }

  statement {
    sid       = "ReleaseOwnLock"
    actions   = ["s3:DeleteObject"]
    resources = ["${module.state_bucket.arn}/${var.project_name}/${each.key}.tfstate.tflock"]
  }

  statement {
    sid       = "OwnBudget"
    actions   = ["budgets:ListTagsForResource", "budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource", "budgets:ViewBudget"]
    resources = ["arn:${local.partition}:budgets::${local.account_id}:budget/${each.value}"]
  }

  statement {
    sid       = "FindImages"
    actions   = ["ecr:BatchGetImage", "ecr:DescribeImages"]
    resources = [aws_ecr_repository.service.arn]
  }
}

data "aws_iam_policy_document" "deploy_network" {
  for_each = local.own

  statement {
    sid = "MakeNetwork"
    actions = [
      "ec2:AllocateAddress",
      "ec2:AuthorizeSecurityGroup*",
      "ec2:CreateFlowLogs",
      "ec2:CreateInternetGateway",
      "ec2:CreateNatGateway",
      "ec2:CreateNetworkAcl",
      "ec2:CreateRouteTable",
      "ec2:CreateSecurityGroup",
      "ec2:CreateSubnet",
      "ec2:CreateTags",
      "ec2:CreateVpc",
      "ec2:CreateVpcEndpoint",
      # Interfaces are made by Lambda and carry no tag; addresses lose their association by its id.
      "ec2:DeleteNetworkInterface",
      "ec2:DetachNetworkInterface",
      "ec2:DisassociateAddress",
      "ec2:ReplaceNetworkAclAssociation",
    ]
    resources = ["arn:${local.partition}:ec2:${local.place}:*"]
  }

  statement {
    sid = "ChangeOwnNetwork"
    actions = [
      "ec2:AssociateRouteTable",
      "ec2:AttachInternetGateway",
      "ec2:CreateNetworkAclEntry",
      "ec2:CreateRoute",
      "ec2:DeleteFlowLogs",
      "ec2:DeleteInternetGateway",
      "ec2:DeleteNatGateway",
      "ec2:DeleteNetworkAcl",
      "ec2:DeleteNetworkAclEntry",
      "ec2:DeleteRoute",
      "ec2:DeleteRouteTable",
      "ec2:DeleteSecurityGroup",
      "ec2:DeleteSubnet",
      "ec2:DeleteTags",
      "ec2:DeleteVpc",
      "ec2:DeleteVpcEndpoints",
      "ec2:DetachInternetGateway",
      "ec2:DisassociateRouteTable",
      "ec2:ModifySecurityGroupRules",
      "ec2:ModifySubnetAttribute",
      "ec2:ModifyVpcAttribute",
      "ec2:ModifyVpcEndpoint",
      "ec2:ReleaseAddress",
      "ec2:ReplaceNetworkAclEntry",
      "ec2:ReplaceRoute",
      "ec2:RevokeSecurityGroup*",
      "ec2:UpdateSecurityGroupRuleDescriptions*",
    ]
    resources = ["arn:${local.partition}:ec2:${local.place}:*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Environment"
      values   = [each.key]
    }
  }

  # AWS makes the default group of a VPC, so it carries no tag until Terraform has taken it over.
  statement {
    sid       = "CloseDefaultGroup"
    actions   = ["ec2:RevokeSecurityGroup*"]
    resources = ["arn:${local.partition}:ec2:${local.place}:security-group/*"]

    condition {
      test     = "Null"
      variable = "aws:ResourceTag/Environment"
      values   = ["true"]
    }
  }
}

data "aws_iam_policy_document" "deploy_roles_and_keys" {
  for_each = local.own

  statement {
    sid       = "MakeTaggedKeys"
    actions   = ["kms:CreateKey", "kms:TagResource"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Environment"
      values   = [each.key]
    }
  }

  statement {
    sid = "OwnKeys"
    actions = [
      "kms:CreateAlias",
      "kms:CreateGrant",
      "kms:DeleteAlias",
      "kms:Decrypt",
      "kms:DescribeKey",
      "kms:EnableKeyRotation",
      "kms:Encrypt",
      "kms:GenerateDataKey*",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListResourceTags",
      "kms:PutKeyPolicy",
      "kms:ScheduleKeyDeletion",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ]
    resources = ["arn:${local.partition}:kms:${local.place}:key/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Environment"
      values   = [each.key]
    }
  }

  # The name of a master's secret does not say whose it is; the tag that RDS gives it does.
  statement {
    sid = "OwnMasterRotation"
    actions = [
      "secretsmanager:CancelRotateSecret",
      "secretsmanager:DescribeSecret",
      "secretsmanager:RotateSecret",
    ]
    resources = [local.master_secrets]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/aws:rds:primaryDBInstanceArn"
      values   = ["arn:${local.partition}:rds:${local.place}:db:${each.value}"]
    }
  }

  statement {
    sid       = "OwnKeyNames"
    actions   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
    resources = ["arn:${local.partition}:kms:${local.place}:alias/${each.value}"]
  }

  statement {
    sid = "ReadAndRemoveOwnRoles"
    actions = [
      "iam:DeleteRole",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies",
      "iam:TagRole",
      "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
      "iam:UpdateRoleDescription",
    ]
    resources = local.own_roles[each.key]
  }

  # A role without the boundary could be given everything.
  statement {
    sid       = "MakeOwnRolesWithinTheirBoundary"
    actions   = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
    resources = local.own_roles[each.key]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.workload_boundary[each.key].arn]
    }
  }

  # Of AWS's own policies only the one for the database's enhanced monitoring.
  statement {
    sid       = "AttachMonitoringPolicy"
    actions   = ["iam:AttachRolePolicy"]
    resources = local.own_roles[each.key]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.workload_boundary[each.key].arn]
    }

    condition {
      test     = "ArnEquals"
      variable = "iam:PolicyARN"
      values   = ["arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"]
    }
  }

  statement {
    sid       = "LendOwnRoles"
    actions   = ["iam:PassRole"]
    resources = local.own_roles[each.key]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "monitoring.rds.amazonaws.com", "scheduler.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
    }
  }

  # A new account has none of these yet; AWS makes them with the first of each kind.
  statement {
    sid       = "ServiceLinkedRoles"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values = [
        "ecs.amazonaws.com",
        "ecs.application-autoscaling.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
        "rds.amazonaws.com",
        "wafv2.amazonaws.com",
      ]
    }
  }
}
