/**
 * Runs a command line with connect(2) forbidden, as sandboxes for agents forbid it: seccomp(2) answers EPERM. What was started inherits that.
 * usage: bun forbid-connect.ts PROGRAM WORD...
 */
import { dlopen, ptr } from "bun:ffi";

const setNoNewPrivileges = 38;
const setSeccomp = 22;
const filterMode = 2;
const connectCall = process.arch === "arm64" ? 203 : 42;
const allow = 0x7fff0000;
const failWithEperm = 0x00050000 | 1;

/** struct sock_filter: what is loaded is the number of the system call, the first field of struct seccomp_data. */
const filter = new DataView(new ArrayBuffer(4 * 8));
const instructions = [
  [0x20, 0, 0, 0],
  [0x15, 0, 1, connectCall],
  [0x06, 0, 0, failWithEperm],
  [0x06, 0, 0, allow],
] as const;
for (const [index, [code, whenTrue, whenFalse, value]] of instructions.entries()) {
  filter.setUint16(index * 8, code, true);
  filter.setUint8(index * 8 + 2, whenTrue);
  filter.setUint8(index * 8 + 3, whenFalse);
  filter.setUint32(index * 8 + 4, value, true);
}
/** struct sock_fprog. */
const program = new DataView(new ArrayBuffer(16));
program.setUint16(0, instructions.length, true);
program.setBigUint64(8, BigInt(ptr(filter.buffer)), true);

const { symbols } = dlopen("libc.so.6", {
  prctl: { args: ["int", "u64", "u64", "u64", "u64"], returns: "int" },
});
symbols.prctl(setNoNewPrivileges, 1, 0, 0, 0);
if (symbols.prctl(setSeccomp, filterMode, ptr(program.buffer), 0, 0) !== 0) throw new Error("there is no seccomp here");
const child = Bun.spawnSync(process.argv.slice(2), { stdio: ["inherit", "inherit", "inherit"] });
process.exit(child.exitCode ?? 255);
