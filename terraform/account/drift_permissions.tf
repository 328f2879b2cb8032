# What a pull request may look at, and the write tokens: a refresh asks whether they are still there by reading them.
data "aws_iam_policy_document" "drift" {
  source_policy_documents = [data.aws_iam_policy_document.plan.json]

  statement {
    sid       = "ReadWriteTokens"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [for own in local.own : "arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/service/write-token-*"]
  }
}
