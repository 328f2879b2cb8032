# An apply makes the first write token, hands it over, and asks whether it is still there; the provider does that by reading
# it. Of all secrets, this is the only one that a deployment may read.
data "aws_iam_policy_document" "deploy_write_token" {
  for_each = local.own

  statement {
    sid       = "GenerateWriteToken"
    actions   = ["secretsmanager:GetRandomPassword"]
    resources = ["*"] # the action knows no resource
  }

  statement {
    sid = "ManageWriteToken"
    actions = [
      "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = ["arn:${local.partition}:secretsmanager:${local.place}:secret:${each.value}/service/write-token-*"]
  }
}

resource "aws_iam_role_policy" "deploy_write_token" {
  for_each = local.own

  name   = "write-token"
  role   = aws_iam_role.deploy[each.key].name
  policy = data.aws_iam_policy_document.deploy_write_token[each.key].json
}
