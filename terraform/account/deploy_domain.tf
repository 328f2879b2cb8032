# Permissions of a deployment for certificates and records of its domain names.
locals {
  deploy_domain = { for name, own in local.own : name => concat([
    {
      Sid       = "TagNewCertificates"
      Action    = ["acm:AddTagsToCertificate"]
      Resource  = ["arn:${local.partition}:acm:${local.place}:certificate/*"]
      Condition = { StringEquals = { "aws:RequestTag/Environment" = name } }
    },
    {
      Sid       = "ManageOwnCertificates"
      Action    = ["acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:DescribeCertificate", "acm:ListTagsForCertificate", "acm:RemoveTagsFromCertificate"]
      Resource  = ["arn:${local.partition}:acm:${local.place}:certificate/*"]
      Condition = { StringEquals = { "aws:ResourceTag/Environment" = name } }
    },
    {
      Sid      = "ReadRecords"
      Action   = ["route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ListTagsForResource"]
      Resource = ["arn:${local.partition}:route53:::hostedzone/*"]
    },
    # An interface endpoint with private DNS makes a hosted zone of AWS's own.
    { Sid = "AssociateEndpointZones", Action = ["route53:AssociateVPCWithHostedZone"], Resource = ["*"] },
    ], [for domains in [lookup(var.domain_names, name, [])] : {
      Sid       = "RequestOwnCertificates"
      Action    = ["acm:RequestCertificate"]
      Resource  = ["*"]
      Condition = { "ForAllValues:StringEquals" = { "acm:DomainNames" = domains }, StringEquals = { "aws:RequestTag/Environment" = name } }
    } if length(domains) > 0],
    # A zone's id is not known here, and environments can share a zone: the names of the records tell them apart.
    [for records in [lookup(local.own_records, name, [])] : {
      Sid       = "ChangeOwnRecords"
      Action    = ["route53:ChangeResourceRecordSets"]
      Resource  = ["arn:${local.partition}:route53:::hostedzone/*"]
      Condition = { "ForAllValues:StringLike" = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = records } }
  } if length(records) > 0]) }
}
