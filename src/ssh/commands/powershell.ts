/** Commands for PowerShell: as the bootstrap for sh, a constant line reads from standard input what varies, and not a byte more. */
import type { CommandForm } from "../../core/command-form.ts";
import { guard, newMark } from "./bootstrap.ts";
import type { Finding, Program } from "./program.ts";

/** As the bootstrap's own. */
const opening = `#${guard}`;

/** Reads a line of base64 and runs what it says in UTF-8; a line that a lost link has cut is not run. */
const reader = `$b=New-Object IO.MemoryStream;$i=[Console]::OpenStandardInput()
while(($c=$i.ReadByte()) -ge 0 -and $c -ne 10){$b.WriteByte($c)}
if($c -lt 0){exit 1}
$t=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String([Text.Encoding]::ASCII.GetString($b.ToArray())))
if(-not $t.StartsWith('${opening}')){exit 1}
. ([ScriptBlock]::Create($t))`;

/** Means the same in cmd, in PowerShell and in sh. Without `-InputFormat None` PowerShell reads its input ahead. */
export const powershellLine: string = [
  "powershell -NoProfile -NonInteractive -InputFormat None -OutputFormat Text -EncodedCommand",
  Buffer.from(reader, "utf16le").toString("base64"),
].join(" ");

export const powershellProgram = (command: string, form: CommandForm): Program => {
  const mark = newMark();
  const says = (word: Finding | "ok"): string => `[Console]::Out.WriteLine('${mark} ${word}')`;
  const { cwd, env } = form;
  const enter = (path: string): string =>
    `try{Set-Location -LiteralPath ${text(path)} -ErrorAction Stop}catch{${says("cwd-gone")};exit 1}`;
  const steps = [
    opening,
    "[Console]::OutputEncoding=New-Object Text.UTF8Encoding $false",
    ...(cwd === null ? [] : [enter(cwd)]),
    ...Object.entries(env).map(([name, value]) => `[Environment]::SetEnvironmentVariable('${name}',${text(value)})`),
    says("ok"),
    `[Console]::Error.WriteLine('${mark} ok')`,
    "$global:LASTEXITCODE=0",
    `. ([ScriptBlock]::Create(${text(command)}))`,
    // The status of a program that failed, else whether the last statement did.
    "$ok=$?;if($LASTEXITCODE){exit $LASTEXITCODE};if($ok){exit 0};exit 1",
  ];
  const line = `${Buffer.from(steps.join("\n")).toString("base64")}\n`;
  return { mark, lines: [line], hasTerminal: false, form };
};

/** A command of these words: about_Operators, the call operator. */
export const powershellWords = (argv: readonly string[]): string => `& ${argv.map(text).join(" ")}`;

/** Single quotes, of which PowerShell knows five: about_Quoting_Rules. */
const text = (value: string): string => `'${value.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
