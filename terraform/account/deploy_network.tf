# Permissions of a deployment for its network. Network resources have ids instead of names, so the tag Environment
# limits a deployment to its own. Actions that create are in two statements: one for the new resource, whose tag is in the
# request, and one for the existing resources that it belongs to.
data "aws_iam_policy_document" "deploy_network" {
  for_each = local.own

  source_policy_documents = [data.aws_iam_policy_document.deny_other_environments[each.key].json]

  statement {
    sid = "CreateTaggedNetwork"
    actions = [
      "ec2:AllocateAddress", "ec2:CreateFlowLogs", "ec2:CreateInternetGateway", "ec2:CreateNatGateway", "ec2:CreateNetworkAcl",
      "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
    ]
    resources = ["arn:${local.partition}:ec2:${local.place}:*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Environment"
      values   = [each.key]
    }
  }

  statement {
    sid       = "CreateTaggedSecurityGroupRules"
    actions   = ["ec2:AuthorizeSecurityGroup*"]
    resources = ["arn:${local.partition}:ec2:${local.place}:security-group-rule/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Environment"
      values   = [each.key]
    }
  }

  statement {
    sid       = "TagNewNetwork"
    actions   = ["ec2:CreateTags"]
    resources = ["arn:${local.partition}:ec2:${local.place}:*"]

    condition {
      test     = "Null"
      variable = "ec2:CreateAction"
      values   = ["false"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Environment"
      values   = [each.key]
    }
  }

  statement {
    sid = "ManageOwnNetwork"
    actions = [
      "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroup*", "ec2:CreateFlowLogs",
      "ec2:CreateNatGateway", "ec2:CreateNetworkAcl", "ec2:CreateNetworkAclEntry", "ec2:CreateRoute", "ec2:CreateRouteTable",
      "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateTags", "ec2:CreateVpcEndpoint", "ec2:DeleteFlowLogs",
      "ec2:DeleteInternetGateway", "ec2:DeleteNatGateway", "ec2:DeleteNetworkAcl", "ec2:DeleteNetworkAclEntry",
      "ec2:DeleteRoute", "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteTags",
      "ec2:DeleteVpc", "ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway", "ec2:DisassociateRouteTable",
      "ec2:ModifySecurityGroupRules", "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint",
      "ec2:ReleaseAddress", "ec2:ReplaceNetworkAclAssociation", "ec2:ReplaceNetworkAclEntry", "ec2:ReplaceRoute",
      "ec2:ReplaceRouteTableAssociation", "ec2:RevokeSecurityGroup*", "ec2:UpdateSecurityGroupRuleDescriptions*",
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
    sid       = "AdoptDefaultSecurityGroup"
    actions   = ["ec2:CreateTags", "ec2:RevokeSecurityGroup*"]
    resources = ["arn:${local.partition}:ec2:${local.place}:security-group/*"]

    condition {
      test     = "Null"
      variable = "aws:ResourceTag/Environment"
      values   = ["true"]
    }
  }

  # Without a tag, too: a VPC's default ACL, to which subnets return, and interfaces that Lambda leaves behind. AWS deletes no
  # interface that is in use.
  statement {
    sid     = "ReleaseUntaggedNetwork"
    actions = ["ec2:DeleteNetworkInterface", "ec2:DisassociateAddress", "ec2:ReplaceNetworkAclAssociation"]
    resources = [
      for kind in ["elastic-ip", "network-acl", "network-interface"] : "arn:${local.partition}:ec2:${local.place}:${kind}/*"
    ]

    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:ResourceTag/Environment"
      values   = [each.key]
    }
  }
}
