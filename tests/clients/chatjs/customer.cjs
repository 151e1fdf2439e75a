"use strict";
// A customer's browser chat without the browser: amazon-connect-chatjs, driven line by line.
//
// Usage: node customer.cjs ENDPOINT CHAT_DETAILS_JSON
// Each line of stdin is {"do": NAME, ...}; each line of stdout is what the library did or told:
// {"did": NAME, "result": ...}, {"failed": NAME, "error": ...} or {"told": EVENT, "data": ...}.

const readline = require("node:readline");

// The library expects a browser: a window, a network that is up, a WebSocket.
globalThis.self = globalThis.window = globalThis;
Object.defineProperty(globalThis, "navigator", {
  value: { onLine: true, userAgent: "node" },
  configurable: true,
});
globalThis.WebSocket = require("ws");
require("amazon-connect-chatjs");

const VENDOR = "application/vnd.amazonaws.connect.";
const [endpoint, details] = process.argv.slice(2);

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

// Before the first create(): the library keeps one API client per Region.
connect.ChatSession.setGlobalConfig({
  endpoint,
  region: "us-east-1",
  loggerConfig: { level: connect.ChatSession.LogLevel.ERROR, customizedLogger: quiet() },
  features: { messageReceipts: { shouldSendMessageReceipts: true, throttleTime: 1 } },
});

const session = connect.ChatSession.create({
  chatDetails: JSON.parse(details),
  options: { region: "us-east-1" },
  type: connect.ChatSession.SessionTypes.CUSTOMER,
  disableCSM: true,
});

const told = [
  "Message",
  "Typing",
  "ReadReceipt",
  "DeliveredReceipt",
  "ParticipantJoined",
  "ConnectionEstablished",
  "ConnectionBroken",
  "ConnectionLost",
  "Ended",
];
for (const event of told) {
  session[`on${event}`]?.((heard) => print({ told: event, data: heard?.data ?? null }));
}

const moves = {
  connect: async () => (await session.connect()).connectSuccess,
  send: async ({ message, contentType = "text/plain" }) =>
    (await session.sendMessage({ message, contentType })).data,
  type: async () => (await session.sendEvent({ contentType: `${VENDOR}event.typing` })).data,
  read: async ({ messageId }) =>
    (
      await session.sendEvent({
        contentType: `${VENDOR}event.message.read`,
        content: JSON.stringify({ messageId }),
      })
    ).data,
  transcript: async (wanted) => (await session.getTranscript(wanted)).data,
  attach: async ({ name, contentType, base64 }) => {
    const file = new File([Buffer.from(base64, "base64")], name, { type: contentType });
    return (await session.sendAttachment({ attachment: file })).data;
  },
  download: async ({ attachmentId }) => {
    const blob = await session.downloadAttachment({ attachmentId });
    return Buffer.from(await blob.arrayBuffer()).toString("base64");
  },
  disconnect: async () => (await session.disconnectParticipant()).data,
};

function quiet() {
  const write = (...said) => process.stderr.write(`${said.join(" ")}\n`);
  return { debug: () => {}, info: () => {}, warn: () => {}, error: write, advancedLog: () => {} };
}

async function move({ do: name, ...given }) {
  try {
    print({ did: name, result: (await moves[name](given)) ?? null });
  } catch (error) {
    print({ failed: name, error: { type: error?.type, statusCode: error?.statusCode, text: String(error?.message ?? error) } });
  }
}

const lines = readline.createInterface({ input: process.stdin });
let last = Promise.resolve();
lines.on("line", (line) => {
  last = last.then(() => move(JSON.parse(line)));
});
// The library's timers would keep the process up.
lines.on("close", () => last.finally(() => process.exit(0)));
