/** What the places of a broker are called. Pure: the warm path asks for them before it can afford to load node:fs. */

/** Namespaces (namespaces(7)) in which the same path or address may mean something else. */
export const namespaces = ["mnt", "net", "user"] as const;

/** sockaddr_un has room for 104 bytes on macOS and 108 on Linux, the final NUL included. */
export const longestSocket = 103;

/** The directory of what belongs to one machine alone: those that share a home have one each. */
export const runDirectory = (base: string, machineId: string): string => `${base}/run/${digest(machineId).slice(0, 8)}`;

export const socketIn = (run: string): string => `${run}/broker.sock`;

/** SHA-256, in hexadecimal. node:crypto would add 3 ms to the start of every command. */
export const digest = (text: string): string => Bun.SHA256.hash(text, "hex");
