/** Numbers of SFTP version 3: draft-ietf-secsh-filexfer-02. */

export const sftpVersion = 3;

/** Section 3. */
export const packetType = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

/** Section 7. */
export const statusCode = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  connectionLost: 7,
  operationUnsupported: 8,
} as const;

/** Section 6.3. */
export const openFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 0x10, exclusive: 0x20 } as const;

/** Section 5. */
export const attributeFlag = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x8000_0000 } as const;

/** What OpenSSH takes and sends at most, without the length in front (SFTP_MAX_MSG_LENGTH); its own client ends on more. */
export const mostPacketBytes = 256 * 1024;

/** Content of the longest packet that every server takes: section 3 asks for 34,000 bytes. */
export const safeDataBytes = 32 * 1024;

/** Content of a packet that OpenSSH takes and sends at most (SFTP_MAX_READ_LENGTH). */
export const mostDataBytes = mostPacketBytes - 1024;
