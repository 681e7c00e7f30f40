/** Numbers with units, as ssh_config(5) has them: TIME FORMATS of sshd_config(5), and sizes. */

const largestInteger = 0x7fffffff;

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** strtonum(3), from 0 on: blanks and a sign may come first. @returns null for anything else */
export const parseWhole = (text: string, largest = largestInteger): number | null => {
  if (!/^[ \t\n\v\f\r]*(\+?\d+|-0+)$/.test(text)) return null;
  const number = Math.abs(Number(text));
  return number <= largest ? number : null;
};

/** Seconds of `90`, `1m30`, `1h30m`, … (misc.c convtime). @returns null for anything else */
export const parseSeconds = (text: string): number | null => {
  if (text === "") return null;
  let total = 0;
  for (const [, digits = "", unit = ""] of text.matchAll(/([^smhdw]*)([smhdw]|$)/gi)) {
    if (digits === "" && unit === "") continue;
    const number = parseWhole(digits);
    if (number === null) return null;
    total += number * (unitSeconds[unit.toLowerCase()] ?? 1);
    if (total > largestInteger) return null;
  }
  return total;
};

/** Bytes of `4G`, `1.5k`, … (scan_scaled(3): powers of 1024). @returns null for anything else */
export const parseBytes = (text: string): number | null => {
  const parts = /^[ \t]*([+-]?)(\d+)?(?:\.(\d*))?([bkmgtpe]?)$/i.exec(text);
  if (parts === null) return null;
  const [, sign = "", whole = "", fraction = "", unit = ""] = parts;
  const factor = 1024 ** "bkmgtpe".indexOf((unit === "" ? "b" : unit).toLowerCase());
  const bytes = Number(whole) * factor + Math.floor(Number(`0.${fraction}0`) * factor);
  if (bytes > 2 ** 63) return null;
  return sign === "-" ? -bytes : bytes;
};
