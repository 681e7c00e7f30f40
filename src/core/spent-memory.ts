/** Smaller ones may lie in memory that others share (a Buffer's pool has 8 KiB), and are not worth it. */
const leastBytes = 20 * 1024;

/**
 * Gives back the memory under bytes at once. A collector comes only after much more has been allocated: what is streamed would lie about by
 * the hundred megabytes, or keep it busy. Only for whoever owns all of that memory: every view of it is empty afterwards.
 */
export const giveUp = (bytes: Uint8Array): void => {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= leastBytes) buffer.transfer(0);
};
