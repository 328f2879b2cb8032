# Permissions of a deployment for its network. Network resources have ids instead of names, so the tag Environment
# limits a deployment to its own. Actions that create are in two statements: one for the new resource, whose tag is in the
# request, and one for the existing resources that it belongs to.
locals {
  deploy_network = { for name, own in local.own : name => concat(local.deny_other_environments[name], [
    {
      Sid = "CreateTaggedNetwork"
      Action = [
        "ec2:AllocateAddress", "ec2:CreateFlowLogs", "ec2:CreateInternetGateway", "ec2:CreateNatGateway", "ec2:CreateNetworkAcl",
        "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
      ]
      Resource  = ["arn:${local.partition}:ec2:${local.place}:*"]
      Condition = { StringEquals = { "aws:RequestTag/Environment" = name } }
    },
    {
      Sid       = "CreateTaggedSecurityGroupRules"
      Action    = ["ec2:AuthorizeSecurityGroup*"]
      Resource  = ["arn:${local.partition}:ec2:${local.place}:security-group-rule/*"]
      Condition = { StringEquals = { "aws:RequestTag/Environment" = name } }
    },
    {
      Sid       = "TagNewNetwork"
      Action    = ["ec2:CreateTags"]
      Resource  = ["arn:${local.partition}:ec2:${local.place}:*"]
      Condition = { Null = { "ec2:CreateAction" = "false" }, StringEquals = { "aws:RequestTag/Environment" = name } }
    },
    {
      Sid = "ManageOwnNetwork"
      Action = [
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
      Resource  = ["arn:${local.partition}:ec2:${local.place}:*"]
      Condition = { StringEquals = { "aws:ResourceTag/Environment" = name } }
    },
    # AWS makes the default group of a VPC, so it carries no tag until Terraform has taken it over.
    {
      Sid       = "AdoptDefaultSecurityGroup"
      Action    = ["ec2:CreateTags", "ec2:RevokeSecurityGroup*"]
      Resource  = ["arn:${local.partition}:ec2:${local.place}:security-group/*"]
      Condition = { Null = { "aws:ResourceTag/Environment" = "true" } }
    },
    # Without a tag, too: a VPC's default ACL, to which subnets return, and interfaces that Lambda leaves behind. AWS deletes no
    # interface that is in use.
    {
      Sid    = "ReleaseUntaggedNetwork"
      Action = ["ec2:DeleteNetworkInterface", "ec2:DisassociateAddress", "ec2:ReplaceNetworkAclAssociation"]
      Resource = [
        for kind in ["elastic-ip", "network-acl", "network-interface"] : "arn:${local.partition}:ec2:${local.place}:${kind}/*"
      ]
      Condition = { StringEqualsIfExists = { "aws:ResourceTag/Environment" = name } }
    },
  ]) }
}
