# Only main pushes images: what a release deploys, main has built.
locals {
  build = [
    {
      Sid      = "GetAuthorizationToken"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = ["*"] # the action supports no resource
    },
    {
      Sid = "PushImages"
      Action = [
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
      ]
      Resource = [local.registry_arn]
    },
    { Sid = "PutArtifacts", Action = ["s3:PutObject"], Resource = [local.artifacts] },
  ]
}
