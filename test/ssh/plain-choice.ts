import type { AlgorithmChoice } from "../../src/ssh/key-exchange/algorithms.ts";

/** Nothing said, and nothing known. */
export const plainChoice: AlgorithmChoice = {
  ...{ kexAlgorithms: null, ciphers: null, macs: null, hostKeyAlgorithms: null, compression: false },
  ...{ legacy: false, knownKeyTypes: [] },
};
