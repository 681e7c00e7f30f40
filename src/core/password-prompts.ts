/** What a prompt asks for, as far as its words tell: a password that is put where something else is wanted costs a try. */

/** As a server that wants a new password has it asked for. */
export const changesPassword = /^(Enter|Retype) .* (old|new) password:/;

/** A password that is to be changed, and codes of all kinds. */
export const wantsOther =
  /\b(new|retype|again|change|code|otp|one[- ]?time|token|pass ?code|pin|factor|verification|challenge|duo|yubi\w*)\b/i;
