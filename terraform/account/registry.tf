# One registry for all environments: an image is built once and promoted by its digest.
# trivy:ignore:AWS-0033 The AWS managed KMS key suffices: images contain no secrets, and the registry serves all environments, each of which has its own key.
resource "aws_ecr_repository" "service" {
  count = local.has_registry ? 1 : 0

  name                 = var.project_name
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration { scan_on_push = true }

  encryption_configuration { encryption_type = "KMS" }
}

# A build of main leaves three images: an index, the image itself and its attestations. The workflow of a release tags its
# image release-TAG: that image matches the first rule, so no later rule can expire it.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
resource "aws_ecr_lifecycle_policy" "service" {
  count = local.has_registry ? 1 : 0

  repository = aws_ecr_repository.service[0].name

  policy = jsonencode({
    rules = [for index, rule in [
      { description = "Releases", selection = { tagStatus = "tagged", tagPrefixList = ["release-"], countType = "imageCountMoreThan", countNumber = 1000 } },
      { description = "Leftovers of builds", selection = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 } },
      { description = "Builds of main and of laptops", selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 1000 } },
    ] : merge(rule, { rulePriority = index + 1, action = { type = "expire" } })]
  })
}
