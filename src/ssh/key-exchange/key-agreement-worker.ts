/** The thread of `agreeOnThread`: one exchange, whose private exponent never leaves it. */
import { chosenGroup, type Group, makeKeyPair, namedGroup, sharedSecret } from "./diffie-hellman.ts";
import type { AgreementAnswer, AgreementQuestion } from "./key-agreement.ts";

declare const self: Worker;

let group: Group | null = null;
let exponent = 0n;

const answer = (question: AgreementQuestion): AgreementAnswer => {
  try {
    if ("peerKey" in question) {
      if (group === null) throw new Error("a key came before its group");
      return { secret: sharedSecret(group, exponent, question.peerKey) };
    }
    group = "name" in question ? namedGroup(question.name) : chosenGroup(question);
    const pair = makeKeyPair(group);
    exponent = pair.exponent;
    return { publicKey: pair.publicKey };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
};

self.onmessage = ({ data }: MessageEvent<AgreementQuestion>) => self.postMessage(answer(data));
