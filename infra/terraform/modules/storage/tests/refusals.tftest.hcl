# What may not be, on a provider that plays AWS. Each run costs two starts of the provider, so it breaks
# one rule of several variables at once, of those that do not wait for each other's.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name               = "test"
  account_id         = "111122223333"
  tables             = { sessions = { name = "test-sessions", partition_key = "pk", sort_key = "sk", ttl_attribute = "exp" } }
  buckets            = { media = 7 }
  kms_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/ours"
  configuration_file = "../../examples/minimal/switchboard.toml"
}

run "what_lies_on_the_border_is_taken" {
  command = plan
  variables {
    tables  = { people = { name = "test-people", partition_key = "pk", sort_key = null, ttl_attribute = "exp" } }
    buckets = { (join("", [for number in range(45) : "m"])) = 365, media = 1 }
  }

  assert {
    condition     = length(aws_dynamodb_table.table) == 1 && length(aws_s3_bucket.bucket) == 3
    error_message = "One table, and three buckets."
  }
}

run "names_that_aws_does_not_take" {
  command = plan
  variables {
    name        = "Not A Name"
    partition   = "azure"
    tables      = { sessions = { name = "x", partition_key = "pk", sort_key = "sk", ttl_attribute = "exp" } }
    kms_key_arn = "alias/aws/s3"
  }
  expect_failures = [var.name, var.partition, var.tables, var.kms_key_arn]
}

run "an_account_by_its_alias_and_a_key_that_is_the_ttl_too" {
  command = plan
  variables {
    account_id = "clinic"
    tables     = { sessions = { name = "test-sessions", partition_key = "pk", sort_key = "exp", ttl_attribute = "exp" } }
  }
  expect_failures = [var.account_id, var.tables]
}

run "a_second_bucket_for_the_configuration_and_none_of_it" {
  command = plan
  variables {
    buckets            = { config = 7 }
    configuration_file = "nowhere.toml"
  }
  expect_failures = [var.buckets, var.configuration_file]
}

run "files_that_are_never_deleted" {
  command = plan
  variables {
    buckets = { media = 0 }
  }
  expect_failures = [var.buckets]
}

run "a_name_that_s3_does_not_take" {
  command = plan
  variables {
    buckets = { (join("", [for number in range(46) : "m"])) = 7 }
  }
  expect_failures = [var.buckets]
}
