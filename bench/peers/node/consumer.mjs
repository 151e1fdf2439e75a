// sqs-consumer: ten messages to a call of the handler, all acknowledged in one.
import { SQSClient } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";

const settings = JSON.parse(process.env.BENCH_SETTINGS);
const consumer = Consumer.create({
  ...settings,
  queueUrl: process.env.BENCH_QUEUE_URL,
  sqs: new SQSClient({}),
  handleMessageBatch: async (messages) => messages,
});
for (const event of ["error", "processing_error", "timeout_error"]) {
  consumer.on(event, (error) => console.error(event, error.message));
}
consumer.start();
