import type { Operation } from "../core/operation.ts";
import { close } from "./close.ts";
import { connect } from "./connect.ts";
import { exec } from "./exec.ts";
import { lend } from "./lend.ts";
import { sessions } from "./sessions.ts";
import { unlend } from "./unlend.ts";

/** Every operation there is, in the order help and tool lists show them. */
export const operations: readonly Operation[] = [connect, exec, sessions, lend, unlend, close];
