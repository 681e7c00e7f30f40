import type { Operation } from "../core/operation.ts";
import { chmod } from "./chmod.ts";
import { close } from "./close.ts";
import { connect } from "./connect.ts";
import { editFile } from "./edit-file.ts";
import { exec } from "./exec.ts";
import { hostsAdd } from "./hosts-add.ts";
import { hostsEnable } from "./hosts-enable.ts";
import { hostsList } from "./hosts-list.ts";
import { hostsRm } from "./hosts-rm.ts";
import { hostsSet } from "./hosts-set.ts";
import { hostsShow } from "./hosts-show.ts";
import { init } from "./init.ts";
import { jobCancel } from "./job-cancel.ts";
import { jobLogs } from "./job-logs.ts";
import { jobLs } from "./job-ls.ts";
import { jobRm } from "./job-rm.ts";
import { jobStart } from "./job-start.ts";
import { jobStatus } from "./job-status.ts";
import { jobWait } from "./job-wait.ts";
import { kill } from "./kill.ts";
import { lend } from "./lend.ts";
import { listDirectory } from "./list-directory.ts";
import { ln } from "./ln.ts";
import { mkdir } from "./mkdir.ts";
import { mv } from "./mv.ts";
import { readOutput } from "./output.ts";
import { path } from "./path.ts";
import { readFile } from "./read-file.ts";
import { rm } from "./rm.ts";
import { secretRm } from "./secret-rm.ts";
import { secretSet } from "./secret-set.ts";
import { sessions } from "./sessions.ts";
import { stat } from "./stat.ts";
import { sudo } from "./sudo.ts";
import { sync } from "./sync.ts";
import { transfer } from "./transfer.ts";
import { trust } from "./trust.ts";
import { unlend } from "./unlend.ts";
import { writeFile } from "./write-file.ts";

/** Every operation there is, in the order help and tool lists show them. */
export const operations: readonly Operation[] = [
  connect,
  exec,
  sessions,
  lend,
  unlend,
  close,
  kill,
  readOutput,
  readFile,
  writeFile,
  editFile,
  transfer,
  sync,
  listDirectory,
  path,
  stat,
  mkdir,
  mv,
  chmod,
  ln,
  rm,
  jobStart,
  jobLs,
  jobStatus,
  jobLogs,
  jobWait,
  jobCancel,
  jobRm,
  hostsList,
  hostsShow,
  hostsAdd,
  hostsSet,
  hostsRm,
  hostsEnable,
  trust,
  init,
  secretSet,
  secretRm,
  sudo,
];
