# Only main pushes images: what a release deploys, main has built.
data "aws_iam_policy_document" "build" {
  statement {
    sid       = "GetAuthorizationToken"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # the action knows no resource
  }

  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = [local.registry_arn]
  }

  statement {
    sid       = "PutArtifacts"
    actions   = ["s3:PutObject"]
    resources = [local.artifacts]
  }
}
