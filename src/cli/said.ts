/** A value as it was typed: of an option or an operand, by its field. */
export interface Said {
  field: string;
  value: unknown;
}

/** Whether two of them may say one thing, or one in the wrong order: most command lines do not, and do without what `first-said.ts` loads. */
export const mayRepeat = (said: readonly Said[]): boolean => {
  const says = (...fields: string[]): boolean => said.some(({ field }) => fields.includes(field));
  const isWhole = ({ field, value }: Said): boolean =>
    ["destination", "target", "name"].includes(field) && /[@:]/.test(String(value));
  return says("options") || (says("user", "port") && said.some(isWhole));
};
