# Permissions of a deployment for certificates and records of its own domain names.
data "aws_iam_policy_document" "deploy_domain" {
  for_each = local.own

  dynamic "statement" {
    for_each = length(lookup(var.domain_names, each.key, [])) == 0 ? [] : ["RequestOwnCertificates"]

    content {
      sid       = statement.value
      actions   = ["acm:RequestCertificate"]
      resources = ["*"]

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "acm:DomainNames"
        values   = var.domain_names[each.key]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/Environment"
        values   = [each.key]
      }
    }
  }

  statement {
    sid       = "TagNewCertificates"
    actions   = ["acm:AddTagsToCertificate"]
    resources = ["arn:${local.partition}:acm:${local.place}:certificate/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/Environment"
      values   = [each.key]
    }
  }

  statement {
    sid       = "ManageOwnCertificates"
    actions   = ["acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:DescribeCertificate", "acm:ListTagsForCertificate", "acm:RemoveTagsFromCertificate"]
    resources = ["arn:${local.partition}:acm:${local.place}:certificate/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Environment"
      values   = [each.key]
    }
  }

  # A zone's id is not known here, and environments can share a zone: the names of the records tell them apart.
  dynamic "statement" {
    for_each = length(lookup(var.domain_names, each.key, [])) == 0 ? [] : ["ChangeOwnRecords"]

    content {
      sid       = statement.value
      actions   = ["route53:ChangeResourceRecordSets"]
      resources = ["arn:${local.partition}:route53:::hostedzone/*"]

      condition {
        test     = "ForAllValues:StringLike"
        variable = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
        values   = local.own_records[each.key]
      }
    }
  }

  statement {
    sid       = "ReadRecords"
    actions   = ["route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ListTagsForResource"]
    resources = ["arn:${local.partition}:route53:::hostedzone/*"]
  }

  # An interface endpoint with private DNS makes a hosted zone of AWS's own.
  statement {
    sid       = "AssociateEndpointZones"
    actions   = ["route53:AssociateVPCWithHostedZone"]
    resources = ["*"]
  }
}
