/** Numbers of bytes and times of a transfer, for people: decimal multiples, as disks, networks and progress bars have them. */

const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** `0 B`, `999 B`, `3.4 MB`, `120 MB`: three digits at most. `parseSize` reads it. */
export const formatAmount = (bytes: number): string => {
  const unit = unitOf(bytes);
  return `${digits(bytes, unit)} ${units[unit]}`;
};

/** `12.3 of 100 MB`: both in the unit of the whole. */
export const formatPart = (bytes: number, whole: number): string => {
  const unit = unitOf(whole);
  return `${digits(Math.min(bytes, whole), unit)} of ${digits(whole, unit)} ${units[unit]}`;
};

/** `12 files`, `1 file`. */
export const formatCount = (count: number, what: string): string =>
  `${count} ${count === 1 ? what : what.endsWith("y") ? `${what.slice(0, -1)}ies` : `${what}s`}`;

/** `0:07`, `12:34`, `1:02:03`; `-:--` for what nobody knows, and for more than four days. */
export const formatClock = (seconds: number | null): string => {
  if (seconds === null || !(seconds >= 0 && seconds < 100 * 3600)) return "-:--";
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const two = (number: number): string => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
};

/** How long a transfer took: `85 ms`, `1.2 s`, `75 s`, and a clock from ten minutes on. */
export const formatTaken = (ms: number): string => {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms >= 600_000) return formatClock(ms / 1000);
  return `${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`;
};

const unitOf = (bytes: number): number => {
  let unit = 0;
  // The rounded value decides, so that 999.96 kB becomes 1.0 MB and not 1000 kB.
  while (unit < units.length - 1 && Number(digits(bytes, unit)) >= 1000) unit++;
  return unit;
};

const digits = (bytes: number, unit: number): string => {
  const value = bytes / 1000 ** unit;
  return unit === 0 ? String(Math.round(value)) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
};
