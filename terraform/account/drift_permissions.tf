# The permissions of a pull request, what main built, and what a refresh also reads: the write tokens, to check that they
# exist, and functions' environment variables, which Lambda decrypts as the caller. Without that, each plan would set them
# again.
locals {
  write_tokens = [for own in local.own : "arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/service/write-token-*"]
}

data "aws_iam_policy_document" "drift" {
  source_policy_documents = [data.aws_iam_policy_document.plan.json]

  statement {
    sid       = "ReadArtifacts"
    actions   = ["s3:GetObject"]
    resources = [local.artifacts]
  }

  statement {
    sid       = "DescribeImages"
    actions   = ["ecr:BatchGetImage", "ecr:DescribeImages"]
    resources = [local.registry_arn]
  }

  statement {
    sid       = "GetWriteTokens"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = local.write_tokens
  }

  # Each is encrypted with its environment's key, whose id is not known here.
  statement {
    sid       = "DecryptWriteTokens"
    actions   = ["kms:Decrypt"]
    resources = ["arn:${local.partition}:kms:${local.place}:key/*"]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:SecretARN"
      values   = local.write_tokens
    }
  }

  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
  statement {
    sid       = "DecryptFunctionVariables"
    actions   = ["kms:Decrypt"]
    resources = ["arn:${local.partition}:kms:${local.place}:key/*"]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["lambda.${var.region}.amazonaws.com"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:aws:lambda:FunctionArn"
      values   = [for own in local.own : "arn:${local.partition}:lambda:${local.place}:function:${own}-*"]
    }
  }
}
