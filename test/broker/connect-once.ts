/** Connects to the broker that the environment says, and prints what became of it as one line of JSON. */
import { connectToBroker } from "../../src/broker/client/connect.ts";
import { toSshMcpError } from "../../src/core/errors.ts";
import { brokerPlace } from "../../src/files/broker-place.ts";

const say = (outcome: unknown) => process.stdout.write(`${JSON.stringify(outcome)}\n`);

try {
  const transport = await connectToBroker(brokerPlace());
  say(transport === null ? "nobody" : "connected");
  transport?.abort();
} catch (thrown) {
  say(toSshMcpError(thrown).toRecord());
}
