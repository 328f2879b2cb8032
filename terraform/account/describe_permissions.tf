# Read-only actions without resource-level permissions; they return metadata, no content.
locals {
  describe_unscoped_actions = concat(
    [
      for things in [
        "AccountAttributes", "Addresses", "AddressesAttribute", "AvailabilityZones", "FlowLogs", "InternetGateways", "ManagedPrefixLists",
        "NatGateways", "NetworkAcls", "NetworkInterfaces", "PrefixLists", "RouteTables", "SecurityGroupRules", "SecurityGroups", "Subnets",
        "VpcEndpoints", "Vpcs",
      ] : "ec2:Describe${things}"
    ],
    [
      "acm:ListCertificates",
      "application-autoscaling:Describe*",
      "cloudwatch:DescribeAlarms",
      "ecs:DescribeTaskDefinition",
      "elasticloadbalancing:Describe*",
      "kms:ListAliases",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "route53:ListHostedZones",
      "route53:ListHostedZonesByName",
      "wafv2:ListWebACLs",
    ],
  )
}
