output "table_names" {
  description = "Real name of each table, by logical name."
  value       = { for table, one in aws_dynamodb_table.table : table => one.name }
}

output "table_arns" {
  description = "ARN of each table, by logical name."
  value       = { for table, one in aws_dynamodb_table.table : table => one.arn }
}

output "bucket_names" {
  description = "Real name of each bucket, by logical name."
  value       = { for bucket, one in aws_s3_bucket.bucket : bucket => one.id }
}

output "bucket_arns" {
  description = "ARN of each bucket, by logical name."
  value       = { for bucket, one in aws_s3_bucket.bucket : bucket => one.arn }
}

output "configuration" {
  description = "Where workers read this version of switchboard.toml."
  value       = "s3://${aws_s3_object.configuration.bucket}/${aws_s3_object.configuration.key}?versionId=${aws_s3_object.configuration.version_id}"
}
