resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = var.old_version_days == null && length(var.prefix_days) == 0 ? 0 : 1

  bucket = aws_s3_bucket.this.bucket

  dynamic "rule" {
    for_each = concat(
      var.old_version_days == null ? [] : [{ prefix = "", days = var.object_days, old_days = var.old_version_days }],
      [for prefix, days in var.prefix_days : { prefix = prefix, days = days, old_days = 1 }],
    )

    content {
      id     = "expire${rule.value.prefix == "" ? "" : "-${trimsuffix(rule.value.prefix, "/")}"}"
      status = "Enabled"

      filter { prefix = rule.value.prefix == "" ? null : rule.value.prefix }

      dynamic "expiration" {
        for_each = rule.value.days == null ? [] : [rule.value.days]

        content { days = expiration.value }
      }

      noncurrent_version_expiration { noncurrent_days = rule.value.old_days }

      abort_incomplete_multipart_upload { days_after_initiation = 7 }
    }
  }

  # Rules about versions are accepted only once there are versions.
  depends_on = [aws_s3_bucket_versioning.this]
}
