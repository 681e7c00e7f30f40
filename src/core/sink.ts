/**
 * Takes chunks at the pace of its reader: resolves when the chunk is accepted and there is room for more. The chunk may still be on its way
 * then, and must not change any more.
 */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
}
