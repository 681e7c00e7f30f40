/**
 * The other end of a socket, in a process of its own: `bun socket-peer.ts SOCKET BYTES`. Listens, prints `listening`; sends BYTES to whoever
 * connects and reads to the end at the same time; prints the hash of what it got, and ends.
 */
import { listenOnSocket } from "../../src/broker/wire/socket-transport.ts";
import { pour } from "./pour.ts";

const [path = "", bytes = "0"] = process.argv.slice(2);
const hash = new Bun.CryptoHasher("sha256");
let read = 0;

const listening = listenOnSocket(path, (transport) => {
  transport.onData = (chunk) => {
    hash.update(chunk);
    read += chunk.length;
  };
  transport.onClose = () => {
    process.stdout.write(`${read} ${hash.digest("hex")}\n`);
    listening.stop();
  };
  void pour(transport, Number(bytes));
});
process.stdout.write("listening\n");
