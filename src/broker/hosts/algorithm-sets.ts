import type { AlgorithmSets } from "../../config/ssh-config/listing/effective-options.ts";
import { opensshAlgorithms, opensshDefaults } from "../../config/ssh-config/values/algorithm-list.ts";

/** OpenSSH's own lists: a host is shown as `ssh -G` shows it. What of them is offered, a failed negotiation says. */
export const algorithmSets: AlgorithmSets = {
  ciphers: { defaults: opensshDefaults.cipher, supported: opensshAlgorithms.cipher },
  macs: { defaults: opensshDefaults.mac, supported: opensshAlgorithms.mac },
  kexalgorithms: { defaults: opensshDefaults.kex, supported: opensshAlgorithms.kex },
  hostkeyalgorithms: { defaults: opensshDefaults.hostKey, supported: opensshAlgorithms.hostKey },
  pubkeyacceptedalgorithms: { defaults: opensshDefaults.hostKey, supported: opensshAlgorithms.hostKey },
  hostbasedacceptedalgorithms: { defaults: opensshDefaults.hostKey, supported: opensshAlgorithms.hostKey },
  casignaturealgorithms: { defaults: opensshDefaults.caSignature, supported: opensshAlgorithms.caSignature },
};
