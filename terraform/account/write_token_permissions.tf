# An apply makes the first write token, hands it over, and asks whether it is still there; the provider does that by reading
# it. Of all secrets, this is the only one that a deployment can read.
locals {
  deploy_write_token = { for name, own in local.own : name => [
    {
      Sid      = "GenerateWriteToken"
      Action   = ["secretsmanager:GetRandomPassword"]
      Resource = ["*"] # the action supports no resource
    },
    {
      Sid      = "ManageWriteToken"
      Action   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
      Resource = ["arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/service/write-token-*"]
    },
  ] }
}

resource "aws_iam_role_policy" "deploy_write_token" {
  for_each = local.own

  name   = "write-token"
  role   = aws_iam_role.deploy[each.key].name
  policy = jsonencode({ Version = "2012-10-17", Statement = [for one in local.deploy_write_token[each.key] : merge({ Effect = "Allow" }, one)] })
}
