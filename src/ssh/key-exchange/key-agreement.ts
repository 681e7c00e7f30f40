/**
 * Classic Diffie-Hellman for ssh2, which has it on the event loop and in Bun for up to half a minute: on a thread of its own, one for each exchange,
 * which goes with it.
 */
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { type Agreement, agreeBy, type WantedGroup } from "./ssh2-key-exchange.ts";

/** The first question names or brings the group, the second brings the server's public key in wire form. */
export type AgreementQuestion = WantedGroup | { peerKey: Uint8Array };

export type AgreementAnswer = { publicKey: Uint8Array } | { secret: Uint8Array } | { refused: string };

/** As in auth/key-derivation.ts: an absolute path, and in the compiled program a file of its own at the root. */
const worker = import.meta.dir.startsWith("/$bunfs/")
  ? new URL("./src/ssh/key-exchange/key-agreement-worker.js", import.meta.url)
  : new URL("./key-agreement-worker.ts", import.meta.url);

/**
 * Has the client's classic Diffie-Hellman done on threads, at the first key exchange and at every later one. While one works nothing is read
 * from the server.
 */
export const agreeOnThread = (client: Client, socket: Duplex): void =>
  agreeBy(client, (group) => {
    const thread = new Worker(worker);
    const end = (): void => thread.terminate();
    socket.once("close", end);
    const ask = async (question: AgreementQuestion): Promise<AgreementAnswer> => {
      const { promise, resolve, reject } = Promise.withResolvers<AgreementAnswer>();
      thread.onmessage = ({ data }: MessageEvent<AgreementAnswer>) => resolve(data);
      thread.onerror = ({ message }) => reject(new Error(`the thread of the key exchange failed: ${message}`));
      socket.pause();
      try {
        thread.postMessage(question);
        const answer = await promise;
        if ("refused" in answer) throw new Error(answer.refused);
        return answer;
      } finally {
        socket.resume();
      }
    };
    const isOver = (): void => {
      socket.removeListener("close", end);
      end();
    };
    const publicKey = async (): Promise<Buffer> => {
      try {
        const answer = await ask(group);
        return Buffer.from("publicKey" in answer ? answer.publicKey : []);
      } catch (error) {
        isOver();
        throw error;
      }
    };
    const agreement: Agreement = {
      publicKey: publicKey(),
      secret: async (peerKey) => {
        try {
          const answer = await ask({ peerKey });
          return Buffer.from("secret" in answer ? answer.secret : []);
        } finally {
          isOver();
        }
      },
    };
    return "prime" in group ? { ...agreement, prime: group.prime, generator: group.generator } : agreement;
  });
