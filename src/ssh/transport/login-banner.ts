/** Bytes of UTF-8 that are kept. */
const limit = 64 * 1024;

/** What a server shows before the login is through (RFC 4252, section 5.4): as many messages as it likes, of which the begin is kept. */
export class LoginBanner {
  #text = "";
  #left = limit;

  /** Null when there was none. */
  get text(): string | null {
    return this.#text === "" ? null : this.#text;
  }

  add(text: string): void {
    if (this.#left === 0) return;
    const bytes = Buffer.from(text);
    // In the middle of a character the whole of it goes.
    const kept = bytes.length <= this.#left ? text : decoded(bytes.subarray(0, this.#left));
    this.#text += kept;
    this.#left = Math.max(0, this.#left - bytes.length);
  }
}

const decoded = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });

/** One after the other, as of a jump host and what lies behind it. */
export const joinedBanners = (...banners: readonly (string | null)[]): string | null => {
  const joined = new LoginBanner();
  for (const banner of banners) if (banner !== null) joined.add(banner.endsWith("\n") ? banner : `${banner}\n`);
  return joined.text;
};
