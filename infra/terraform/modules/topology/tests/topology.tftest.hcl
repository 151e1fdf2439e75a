variables {
  name = "test"
}

run "what_ships_is_whole" {
  command = plan

  assert {
    condition     = alltrue([for name, queue in output.queues : queue.name == "test-${name}" && queue.dlq_name == "test-${name}-dlq"])
    error_message = "Real names are the prefix and the logical name."
  }
  assert {
    condition     = length(output.arrows) == length(output.subscriptions) + length(output.rules)
    error_message = "Two arrows have one name."
  }
  assert {
    condition     = toset(flatten(values(output.services))) == toset(keys(output.queues))
    error_message = "Services and queues differ."
  }
}

run "a_step_longer_than_the_visibility_is_refused" {
  command = plan
  variables {
    lease_step_s = 31
  }
  expect_failures = [output.queues]
}

run "a_wait_near_the_net_is_refused" {
  command = plan
  variables {
    longest_wait_receives = 501
  }
  expect_failures = [output.queues]
}

run "a_name_that_is_none_is_refused" {
  command = plan
  variables {
    name = "Not A Name"
  }
  expect_failures = [var.name]
}

run "a_dead_letter_queue_that_forgets_first_is_refused" {
  command = plan
  variables {
    topology_json = "{\"version\": 1, \"queues\": [{\"name\": \"in\", \"handler\": \"inbound_sms\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 60}}], \"services\": [{\"name\": \"all\", \"queues\": [\"in\"]}], \"topics\": [{\"name\": \"texts\", \"publisher\": \"sms-voice.amazonaws.com\"}], \"subscriptions\": [{\"topic\": \"texts\", \"queue\": \"in\"}], \"rules\": [], \"tables\": [], \"buckets\": [], \"deferral\": {\"schedule_group\": \"g\", \"role\": \"r\", \"bucket\": \"b\"}, \"schedules\": []}"
  }
  expect_failures = [output.queues]
}

run "a_dead_letter_queue_that_forgets_as_soon_as_its_queue_is_refused" {
  command = plan
  variables {
    topology_json = "{\"version\": 1, \"queues\": [{\"name\": \"in\", \"handler\": \"inbound_sms\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 345600}}], \"services\": [{\"name\": \"all\", \"queues\": [\"in\"]}], \"topics\": [{\"name\": \"texts\", \"publisher\": \"sms-voice.amazonaws.com\"}], \"subscriptions\": [{\"topic\": \"texts\", \"queue\": \"in\"}], \"rules\": [], \"tables\": [], \"buckets\": [], \"deferral\": {\"schedule_group\": \"g\", \"role\": \"r\", \"bucket\": \"b\"}, \"schedules\": []}"
  }
  expect_failures = [output.queues]
}

run "raw_delivery_is_refused" {
  command = plan
  variables {
    topology_json = "{\"version\": 1, \"queues\": [{\"name\": \"in\", \"handler\": \"inbound_sms\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 1209600}}], \"services\": [{\"name\": \"all\", \"queues\": [\"in\"]}], \"topics\": [{\"name\": \"texts\", \"publisher\": \"sms-voice.amazonaws.com\"}], \"subscriptions\": [{\"topic\": \"texts\", \"queue\": \"in\", \"raw_delivery\": true}], \"rules\": [], \"tables\": [], \"buckets\": [], \"deferral\": {\"schedule_group\": \"g\", \"role\": \"r\", \"bucket\": \"b\"}, \"schedules\": []}"
  }
  expect_failures = [output.subscriptions]
}

run "a_step_that_no_worker_takes_is_refused" {
  command = plan
  variables {
    lease_step_s          = 9
    longest_wait_receives = 0
  }
  expect_failures = [var.lease_step_s, var.longest_wait_receives]
}

run "a_queue_that_no_service_takes_is_refused" {
  command = plan
  variables {
    topology_json = "{\"version\": 1, \"queues\": [{\"name\": \"in\", \"handler\": \"inbound_sms\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 1209600}}], \"services\": [], \"topics\": [{\"name\": \"texts\", \"publisher\": \"sms-voice.amazonaws.com\"}], \"subscriptions\": [{\"topic\": \"texts\", \"queue\": \"in\"}], \"rules\": [], \"tables\": [], \"buckets\": [], \"deferral\": {\"schedule_group\": \"g\", \"role\": \"r\", \"bucket\": \"b\"}, \"schedules\": []}"
  }
  expect_failures = [output.queues]
}

run "a_queue_that_two_services_take_is_refused" {
  command = plan
  variables {
    topology_json = "{\"version\": 1, \"queues\": [{\"name\": \"in\", \"handler\": \"inbound_sms\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 1209600}}], \"services\": [{\"name\": \"all\", \"queues\": [\"in\"]}, {\"name\": \"more\", \"queues\": [\"in\"]}], \"topics\": [{\"name\": \"texts\", \"publisher\": \"sms-voice.amazonaws.com\"}], \"subscriptions\": [{\"topic\": \"texts\", \"queue\": \"in\"}], \"rules\": [], \"tables\": [], \"buckets\": [], \"deferral\": {\"schedule_group\": \"g\", \"role\": \"r\", \"bucket\": \"b\"}, \"schedules\": []}"
  }
  expect_failures = [output.queues]
}

run "an_arrow_to_nowhere_is_refused" {
  command = plan
  variables {
    topology_json = "{\"version\": 1, \"queues\": [{\"name\": \"in\", \"handler\": \"inbound_sms\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 1209600}}], \"services\": [{\"name\": \"all\", \"queues\": [\"in\"]}], \"topics\": [{\"name\": \"texts\", \"publisher\": \"sms-voice.amazonaws.com\"}], \"subscriptions\": [{\"topic\": \"texts\", \"queue\": \"out\"}], \"rules\": [], \"tables\": [], \"buckets\": [], \"deferral\": {\"schedule_group\": \"g\", \"role\": \"r\", \"bucket\": \"b\"}, \"schedules\": []}"
  }
  expect_failures = [output.queues]
}

run "an_arrow_from_nowhere_is_refused" {
  command = plan
  variables {
    topology_json = "{\"version\": 1, \"queues\": [{\"name\": \"in\", \"handler\": \"inbound_sms\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 1209600}}], \"services\": [{\"name\": \"all\", \"queues\": [\"in\"]}], \"topics\": [{\"name\": \"texts\", \"publisher\": \"sms-voice.amazonaws.com\"}], \"subscriptions\": [{\"topic\": \"news\", \"queue\": \"in\"}], \"rules\": [], \"tables\": [], \"buckets\": [], \"deferral\": {\"schedule_group\": \"g\", \"role\": \"r\", \"bucket\": \"b\"}, \"schedules\": []}"
  }
  expect_failures = [output.queues]
}

run "a_queue_without_a_handler_is_not_made" {
  command = plan
  variables {
    topology_json = "{\"version\": 1, \"queues\": [{\"name\": \"in\", \"handler\": \"inbound_sms\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 1209600}}, {\"name\": \"idle\", \"handler\": \"\", \"visibility_timeout_s\": 30, \"retention_s\": 345600, \"receive_wait_s\": 20, \"max_receive_count\": 1000, \"dlq\": {\"name\": \"in-dlq\", \"retention_s\": 1209600}}], \"services\": [{\"name\": \"all\", \"queues\": [\"in\"]}], \"topics\": [{\"name\": \"texts\", \"publisher\": \"sms-voice.amazonaws.com\"}], \"subscriptions\": [{\"topic\": \"texts\", \"queue\": \"in\"}], \"rules\": [], \"tables\": [], \"buckets\": [], \"deferral\": {\"schedule_group\": \"g\", \"role\": \"r\", \"bucket\": \"b\"}, \"schedules\": []}"
  }
  assert {
    condition     = keys(output.queues) == ["in"]
    error_message = "A queue is made that nobody takes."
  }
}

run "a_path_for_a_topology" {
  command = plan
  variables { topology_json = "infra/topology.json" }
  expect_failures = [var.topology_json]
}
