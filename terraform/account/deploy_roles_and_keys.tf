# Permissions of a deployment for its IAM roles, each of which must have the workload boundary, and for its KMS keys
# and secrets.
locals {
  deploy_roles_and_keys = { for name, own in local.own : name => [
    {
      Sid       = "CreateTaggedKeys"
      Action    = ["kms:CreateKey", "kms:TagResource"]
      Resource  = ["*"]
      Condition = { StringEquals = { "aws:RequestTag/Environment" = name } }
    },
    {
      Sid = "ManageOwnKeys"
      Action = [
        "kms:CreateAlias", "kms:CreateGrant", "kms:DeleteAlias", "kms:Decrypt", "kms:EnableKeyRotation", "kms:Encrypt",
        "kms:GenerateDataKey*", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags", "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
      ]
      Resource  = [for region in compact([var.region, var.backup_copy_region]) : "arn:${local.partition}:kms:${region}:${local.account_id}:key/*"]
      Condition = { StringEquals = { "aws:ResourceTag/Environment" = name } }
    },
    # Names of secrets, and never what is in them, but for the write token: the function fills them.
    {
      Sid = "ManageOwnSecrets"
      Action = [
        "secretsmanager:CancelRotateSecret", "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret",
        "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy", "secretsmanager:RotateSecret",
        "secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
      ]
      Resource = ["arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/*"]
    },
    # RDS creates the master secret on behalf of the caller.
    {
      Sid       = "CreateMasterSecret"
      Action    = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
      Resource  = [local.master_secrets]
      Condition = { StringLikeIfExists = { "aws:ResourceTag/aws:rds:primaryDBInstanceArn" = local.own_instances[name] } }
    },
    # The name of a master's secret does not say whose it is; the tag that RDS gives it does.
    {
      Sid       = "ManageOwnMasterRotation"
      Action    = ["secretsmanager:CancelRotateSecret", "secretsmanager:DescribeSecret", "secretsmanager:RotateSecret"]
      Resource  = [local.master_secrets]
      Condition = { StringLike = { "aws:ResourceTag/aws:rds:primaryDBInstanceArn" = local.own_instances[name] } }
    },
    {
      Sid      = "ManageOwnKeyAliases"
      Action   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
      Resource = ["arn:${local.partition}:kms:${local.place}:alias/${own}"]
    },
    {
      Sid = "ManageOwnRoles"
      Action = [
        "iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies", "iam:TagRole", "iam:UntagRole", "iam:UpdateRole", "iam:UpdateRoleDescription",
      ]
      Resource = local.own_roles[name]
    },
    # A role without the boundary could be given everything.
    {
      Sid = "CreateOwnRolesWithBoundary"
      Action = [
        "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
        "iam:UpdateAssumeRolePolicy",
      ]
      Resource  = local.own_roles[name]
      Condition = { StringEquals = { "iam:PermissionsBoundary" = [aws_iam_policy.workload_boundary[name].arn] } }
    },
    # Of AWS's own policies only the one for the database's enhanced monitoring.
    {
      Sid       = "AttachMonitoringPolicy"
      Action    = ["iam:AttachRolePolicy"]
      Resource  = local.own_roles[name]
      Condition = { StringEquals = { "iam:PermissionsBoundary" = [aws_iam_policy.workload_boundary[name].arn] }, ArnEquals = { "iam:PolicyARN" = "arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole" } }
    },
    {
      Sid       = "PassOwnRoles"
      Action    = ["iam:PassRole"]
      Resource  = local.own_roles[name]
      Condition = { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "monitoring.rds.amazonaws.com", "scheduler.amazonaws.com", "vpc-flow-logs.amazonaws.com"] } }
    },
    # A new account has none of these yet; AWS makes them with the first of each kind.
    {
      Sid      = "CreateServiceLinkedRoles"
      Action   = ["iam:CreateServiceLinkedRole"]
      Resource = ["arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/*"]
      Condition = { StringEquals = { "iam:AWSServiceName" = [
        "ecs.amazonaws.com",
        "ecs.application-autoscaling.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
        "events.amazonaws.com", # PutMetricAlarm can create this role, a user reports; it is documented only for EC2 actions
        "rds.amazonaws.com",
        "wafv2.amazonaws.com",
      ] } }
    },
  ] }
}
