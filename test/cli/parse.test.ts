import { describe, expect, test } from "bun:test";
import { commandOf } from "../../src/cli/command.ts";
import { otherCommands } from "../../src/cli/other-commands.ts";
import { type Parsed, parse } from "../../src/cli/parse.ts";
import { operations } from "../../src/operations/index.ts";

const commands = operations.map(commandOf);

/** As a shell would cut it, without quoting; `_` stands for an empty word. */
const words = (line: string): string[] =>
  line === "" ? [] : line.split(" ").map((word) => (word === "_" ? "" : word));

const parsed = (line: string | string[]): Parsed =>
  parse(Array.isArray(line) ? line : words(line), commands, otherCommands, { OURS: "from here" });

describe("what runs", () => {
  const cases: [line: string, command: string, input: Record<string, unknown>][] = [
    // Options of ours end at the first word of the command; citty would keep -la, and print our help for -h.
    ["exec h ls -la", "exec", { target: "h", command: "ls -la" }],
    ["exec h -- df -h", "exec", { target: "h", command: "df -h" }],
    ["exec h df -h", "exec", { target: "h", command: "df -h" }],
    ["exec -p 22 h cmd --json", "exec", { target: "h", port: 22, command: "cmd --json" }],
    ["exec h cmd --help", "exec", { target: "h", command: "cmd --help" }],
    ["exec h cmd -- x", "exec", { target: "h", command: "cmd -- x" }],
    ["exec h -- -x", "exec", { target: "h", command: "-x" }],
    ["exec h -- -- x", "exec", { target: "h", command: "-- x" }],
    ["exec -- h ls", "exec", { target: "h", command: "ls" }],
    ["exec -- h -- ls -l", "exec", { target: "h", command: "ls -l" }],
    ["exec -p 22 -- h ls", "exec", { target: "h", port: 22, command: "ls" }],
    ["exec h -- exec h ls", "exec", { target: "h", command: "exec h ls" }],
    // As with ssh, options may also stand between the target and the command.
    ["exec h -p 22 cmd -p 23", "exec", { target: "h", port: 22, command: "cmd -p 23" }],
    ["exec h -p 22 -- -p 23", "exec", { target: "h", port: 22, command: "-p 23" }],
    // Words are joined with single spaces, unquoted, empty ones too.
    ["exec h a _ b", "exec", { target: "h", command: "a  b" }],
    ["exec h - x", "exec", { target: "h", command: "- x" }],
    ["exec - x", "exec", { target: "-", command: "x" }],
    // Every way to write an option.
    ["exec --port=22 h x", "exec", { target: "h", port: 22, command: "x" }],
    ["exec --port 22 h x", "exec", { target: "h", port: 22, command: "x" }],
    ["exec -p22 h x", "exec", { target: "h", port: 22, command: "x" }],
    ["exec -np22 h x", "exec", { target: "h", port: 22, command: "x" }],
    ["exec -nl me h x", "exec", { target: "h", user: "me", command: "x" }],
    ["exec --user=-x h x", "exec", { target: "h", user: "-x", command: "x" }],
    ["exec -l-x h x", "exec", { target: "h", user: "-x", command: "x" }],
    ["exec --user=a=b h x", "exec", { target: "h", user: "a=b", command: "x" }],
    ["exec --identity-file a -ib -i c h x", "exec", { target: "h", identityFile: ["a", "b", "c"], command: "x" }],
    ["exec -oA=1 -o B=2 -o A=3 h x", "exec", { target: "h", options: ["A=1", "B=2", "A=3"], command: "x" }],
    ["exec -F none h x", "exec", { target: "h", configFile: "none", command: "x" }],
    // Variables make one record; a value may hold what it wants.
    ["exec -e A=1 --env B=x=y -e C= h x", "exec", { target: "h", env: { A: "1", B: "x=y", C: "" }, command: "x" }],
    ["exec -e A=1 -e A=2 h x", "exec", { target: "h", env: { A: "2" }, command: "x" }],
    ["exec -e OURS h x", "exec", { target: "h", env: { OURS: "from here" }, command: "x" }],
    ["exec -tw /tmp h x", "exec", { target: "h", pty: true, cwd: "/tmp", command: "x" }],
    ["exec --interpreter bash h x", "exec", { target: "h", interpreter: "bash", command: "x" }],
    ["exec --sudo --stdin s h x", "exec", { target: "h", sudo: true, stdin: "s", command: "x" }],
    ["exec --sudo=www h x", "exec", { target: "h", sudo: "www", command: "x" }],
    // Word by word, where the words would be joined.
    ["exec --argv h a _ -b", "exec", { target: "h", argv: ["a", "", "-b"] }],
    ["exec h --argv -- -a b", "exec", { target: "h", argv: ["-a", "b"] }],
    ["exec h ls --argv", "exec", { target: "h", command: "ls --argv" }],
    // Seconds, or with a unit.
    ["exec --timeout 5 h x", "exec", { target: "h", timeout: 5, command: "x" }],
    ["exec --timeout 1500ms h x", "exec", { target: "h", timeout: 1.5, command: "x" }],
    [
      "exec --timeout=5m --connect-timeout 0.5 h x",
      "exec",
      { target: "h", timeout: 300, connectTimeout: 0.5, command: "x" },
    ],
    ["connect h --ttl 8h --name web --title t", "connect", { destination: "h", ttl: 28800, name: "web", title: "t" }],
    ["connect --ttl 0 h", "connect", { destination: "h", ttl: 0 }],
    // A number out of range is the schema's to refuse, like any number.
    ["connect -p 99999 h", "connect", { destination: "h", port: 99999 }],
    ["connect --port -5 h", "", {}],
    ["connect --port=-5 h", "connect", { destination: "h", port: -5 }],
    ["connect -- -h", "connect", { destination: "-h" }],
    ["connect --new --private h", "connect", { destination: "h", new: true, private: true }],
    ["ls", "ls", {}],
    ["ls h:", "ls", { target: "h", path: "" }],
    ["ls -la h:/tmp/a;b", "ls", { target: "h", path: "/tmp/a;b", all: true }],
    ["ls --sort size h:x:y", "ls", { target: "h", path: "x:y", sort: "size" }],
    ["ls ana@[::1]:a", "ls", { target: "ana@[::1]", path: "a" }],
    ["ls ssh://ana@h:22//etc", "ls", { target: "ssh://ana@h:22", path: "/etc" }],
    ["rm -rf h:a h:-b", "rm", { target: "h", paths: ["a", "-b"], recursive: true, force: true }],
    ["rm -- h:-a", "rm", { target: "h", paths: ["-a"] }],
    ["mkdir -p -m 750 h:a/b", "mkdir", { target: "h", paths: ["a/b"], parents: true, mode: "750" }],
    ["mv -f h:a h:", "mv", { target: "h", paths: ["a", ""], force: true }],
    ["chmod u+x h:a h:b", "chmod", { mode: "u+x", target: "h", paths: ["a", "b"] }],
    ["chmod -- -x h:a", "chmod", { mode: "-x", target: "h", paths: ["a"] }],
    ["ln -s ../x h:l", "ln", { says: "../x", target: "h", path: "l", symbolic: true }],
    ["stat h:a --sudo=www", "stat", { target: "h", paths: ["a"], sudo: "www" }],
    // As cp(1) has them: the last word is where to.
    ["cp h:a b", "cp", { sources: ["h:a"], destination: "b" }],
    ["cp a b ./c:d h:", "cp", { sources: ["a", "b", "./c:d"], destination: "h:" }],
    ["cp -rp a h:b", "cp", { sources: ["a"], destination: "h:b", recursive: true, preserve: true }],
    ["cp a h:b -r --limit 10MB", "cp", { sources: ["a"], destination: "h:b", recursive: true, limit: "10MB" }],
    ["cp - h:b", "cp", { sources: ["-"], destination: "h:b" }],
    ["cp h:b -", "cp", { sources: ["h:b"], destination: "-" }],
    ["cp -- -a -b", "cp", { sources: ["-a"], destination: "-b" }],
    [
      "cp --parallel 4 --resume --checksum --sudo h:a b",
      "cp",
      { sources: ["h:a"], destination: "b", parallel: 4, resume: true, checksum: true, sudo: true },
    ],
    [
      "cp --exclude *.o --exclude=b/ -r h:a b",
      "cp",
      { sources: ["h:a"], destination: "b", exclude: ["*.o", "b/"], recursive: true },
    ],
    [
      "cp --direct --timeout 5m -i k -J g h:a g:b",
      "cp",
      { sources: ["h:a"], destination: "g:b", direct: true, timeout: 300, identityFile: ["k"], jump: "g" },
    ],
    ["sync -n --delete a/ h:b", "sync", { source: "a/", destination: "h:b", dryRun: true, delete: true }],
    [
      "sync --exclude .git --checksum h:a b",
      "sync",
      { source: "h:a", destination: "b", exclude: [".git"], checksum: true },
    ],
    ["ls --running", "ls", { running: true }],
    ["lend a b", "lend", { targets: ["a", "b"] }],
    ["unlend a", "unlend", { targets: ["a"] }],
    ["close a b", "close", { targets: ["a", "b"] }],
    ["close a --all b", "close", { targets: ["a", "b"], all: true }],
    ["close -- -a --", "close", { targets: ["-a", "--"] }],
    ["close", "close", {}],
  ];
  for (const [line, command, input] of cases) {
    test(line, () => {
      const result = parsed(line);
      if (command === "") expect(result.kind).toBe("wrong");
      else expect(result).toMatchObject({ kind: "run", command: { name: command } });
      if (result.kind === "run") expect(result.input).toEqual(input);
    });
  }

  test("a word keeps its spaces", () => {
    const result = parsed(["exec", "h", "echo 'a  b'", "c\nd"]);
    expect(result.kind === "run" && result.input["command"]).toBe("echo 'a  b' c\nd");
  });
});

describe("options of the command line itself", () => {
  const cases: [line: string, options: Record<string, boolean>][] = [
    ["--json ls", { json: true }],
    ["ls --json", { json: true }],
    ["--batch exec h x", { batch: true }],
    ["exec --batch --json h x", { batch: true, json: true }],
    ["exec h --json x", { json: true }],
    ["exec h x --json", { json: false }],
    ["exec -n h x", { noStdin: true }],
    ["exec --no-stdin h x", { noStdin: true }],
    ["exec --json --json h x", { json: true }],
    ["ls -q", { quiet: true }],
    ["--no-broker exec h x", { noBroker: true }],
    ["exec --no-broker h x", { noBroker: true }],
    ["exec h x --no-broker", { noBroker: false }],
    ["ls --no-broker", { noBroker: true }],
    ["connect h --no-broker", { noBroker: true }],
  ];
  for (const [line, options] of cases) {
    test(line, () => expect(parsed(line)).toMatchObject({ kind: "run", options }));
  }
});

describe("the broker", () => {
  const cases: [line: string, verb: string, json: boolean][] = [
    ["broker status", "status", false],
    ["broker status --json", "status", true],
    ["broker --json status", "status", true],
    ["--json broker stop", "stop", true],
    ["--batch broker restart", "restart", false],
  ];
  for (const [line, verb, json] of cases) {
    test(line, () => expect(parsed(line)).toMatchObject({ kind: "broker", verb, options: { json } }));
  }
});

describe("help and version", () => {
  const cases: [line: string, expected: unknown][] = [
    ["", { kind: "nothing" }],
    ["--help", { kind: "help", topic: null }],
    ["-h", { kind: "help", topic: null }],
    ["help", { kind: "help", topic: null }],
    ["help exec", { kind: "help", topic: "exec" }],
    ["help serve", { kind: "help", topic: "serve" }],
    ["exec --help", { kind: "help", topic: "exec" }],
    ["exec -h", { kind: "help", topic: "exec" }],
    ["exec h --help", { kind: "help", topic: "exec" }],
    ["ls --json -h", { kind: "help", topic: "ls", options: { json: true } }],
    ["serve --help", { kind: "help", topic: "serve" }],
    ["demo -h", { kind: "help", topic: "demo" }],
    ["broker --help", { kind: "help", topic: "broker" }],
    ["broker stop -h", { kind: "help", topic: "broker" }],
    ["help broker", { kind: "help", topic: "broker" }],
    ["--help exec h rm", { kind: "help", topic: null }],
    ["--version", { kind: "version" }],
    ["--json --version", { kind: "version", options: { json: true } }],
  ];
  for (const [line, expected] of cases)
    test(line || "nothing", () => expect(parsed(line)).toMatchObject(expected as object));
});

describe("what is refused", () => {
  const cases: [line: string, message: string, hint: string][] = [
    ["conect h", 'there is no command "conect"; did you mean connect?', "ssh-mcp connect --help"],
    ["exce h x", 'there is no command "exce"; did you mean exec?', "ssh-mcp exec --help"],
    ["disconnect h", 'there is no command "disconnect"; did you mean close?', "ssh-mcp close --help"],
    ["disconect h", 'there is no command "disconect"; did you mean close?', "ssh-mcp close --help"],
    ["sessions", 'there is no command "sessions"; did you mean ls?', "ssh-mcp ls --help"],
    ["list", 'there is no command "list"; did you mean ls?', "ssh-mcp ls --help"],
    ["run h x", 'there is no command "run"; did you mean exec?', "ssh-mcp exec --help"],
    ["ssh_exec h x", 'there is no command "ssh_exec"; did you mean exec?', "ssh-mcp exec --help"],
    ["help sessions", 'there is no command "sessions"; did you mean ls?', "ssh-mcp ls --help"],
    ["frobnicate", 'there is no command "frobnicate"', "ssh-mcp --help"],
    ["me@host uptime", 'there is no command "me@host"', "ssh-mcp exec me@host -- COMMAND"],
    ["toString", 'there is no command "toString"', "ssh-mcp --help"],
    ["__proto__ h", 'there is no command "__proto__"', "ssh-mcp --help"],
    ["--json", "there is no command to run", "ssh-mcp --help"],
    ["-json ls", 'there is no option "-json"; did you mean --json?', "ssh-mcp --help"],
    ["-p 22 exec h x", 'there is no option "-p"', "ssh-mcp --help"],
    ["exec --prot 22 h x", 'exec has no option "--prot"; did you mean --port?', "ssh-mcp exec --help"],
    ["exec --prot=22 h x", 'exec has no option "--prot"; did you mean --port?', "ssh-mcp exec --help"],
    ["exec --target h x", 'exec has no option "--target"', "ssh-mcp exec --help"],
    ["exec --version h x", 'exec has no option "--version"', "ssh-mcp exec --help"],
    ["exec --no-json h x", 'exec has no option "--no-json"', "ssh-mcp exec --help"],
    ["exec --JSON h x", 'exec has no option "--JSON"; did you mean --json?', "ssh-mcp exec --help"],
    ["exec -x h x", 'exec has no option "-x"', "ssh-mcp exec --help"],
    ["exec -nx h x", 'exec has no option "-x"', "ssh-mcp exec --help"],
    ["exec -jsno h x", 'exec has no option "-jsno"; did you mean --json?', "ssh-mcp exec --help"],
    ["exec h -xa", 'exec has no option "-xa"', "ssh-mcp exec --help"],
    ["close -n", 'close has no option "-n"', "ssh-mcp close --help"],
    ["exec --json=yes h x", "--json takes no value", "ssh-mcp exec --help"],
    ["exec --port 22 -p 23 h x", "--port is given twice", "ssh-mcp exec --help"],
    ["exec -la -l b h x", "--user is given twice", "ssh-mcp exec --help"],
    ["exec --port", "--port needs a value", "ssh-mcp exec --help"],
    ["exec -p", "--port needs a value", "ssh-mcp exec --help"],
    ["exec --port= h x", "--port needs a value", "ssh-mcp exec --help"],
    ["exec --user _ h x", "--user needs a value", "ssh-mcp exec --help"],
    ["exec -i _ h x", "--identity-file needs a value", "ssh-mcp exec --help"],
    [
      "exec --user --json h x",
      "--user needs a value; one that begins with - is written --user=-…",
      "ssh-mcp exec --help",
    ],
    ["exec -p 0x16 h x", '--port takes a number, not "0x16"', "ssh-mcp exec --help"],
    ["exec -p 1e3 h x", '--port takes a number, not "1e3"', "ssh-mcp exec --help"],
    ["exec -p=22 h x", '--port takes a number, not "=22"', "ssh-mcp exec --help"],
    ["exec -p NaN h x", '--port takes a number, not "NaN"', "ssh-mcp exec --help"],
    ["exec --timeout soon h x", '--timeout: "soon" is not a duration', "ssh-mcp exec --help"],
    ["exec", "exec needs a TARGET", "ssh-mcp exec TARGET -- COMMAND"],
    ["exec _ x", "exec needs a TARGET", "ssh-mcp exec TARGET -- COMMAND"],
    ["exec h", "exec needs a COMMAND", "ssh-mcp exec h -- COMMAND"],
    ["exec h --", "exec needs a COMMAND", "ssh-mcp exec h -- COMMAND"],
    ["exec h _", "exec needs a COMMAND", "ssh-mcp exec h -- COMMAND"],
    ["exec a;b", "exec needs a COMMAND", "ssh-mcp exec 'a;b' -- COMMAND"],
    ["exec -- -h", "exec needs a COMMAND", "ssh-mcp exec TARGET -- COMMAND"],
    ["connect", "connect needs a DESTINATION", "ssh-mcp connect DESTINATION"],
    ["connect h uptime", "connect takes 1 word, not 2", "ssh-mcp exec h -- COMMAND"],
    ["connect @web uptime", "connect takes 1 word, not 2", "ssh-mcp connect --help"],
    ["trust a b", "trust takes 1 word, not 2", "ssh-mcp trust --help"],
    ["ls h", 'ls takes a path on a server, TARGET:PATH: there is no colon in "h"', "ssh-mcp ls h:"],
    ["ls -la h", 'ls takes a path on a server, TARGET:PATH: there is no colon in "h"', "ssh-mcp ls h:"],
    ["ls /etc", 'ls takes a path on a server, TARGET:PATH: there is no colon in "/etc"', "ssh-mcp ls TARGET:/etc"],
    ["ls ./a:b", 'ls takes a path on a server, TARGET:PATH: there is no colon in "./a:b"', "ssh-mcp ls TARGET:./a:b"],
    ["ls -", 'ls takes a path on a server, TARGET:PATH, and no stream: "-"', "ssh-mcp ls --help"],
    ["ls h:a h:b", "ls takes 1 word, not 2", "ssh-mcp ls --help"],
    ["ls -l", 'ls has no option "-l"', "ssh-mcp ls --help"],
    ["stat", "stat needs TARGET:PATH", "ssh-mcp stat TARGET:PATH"],
    ["stat a", 'stat takes a path on a server, TARGET:PATH: there is no colon in "a"', "ssh-mcp stat TARGET:a"],
    ["rm :a", 'rm: ":a" names no server before its colon', "ssh-mcp rm --help"],
    ["rm a:1 b:2", 'rm works on one server at a time, not on "a" and "b"', "ssh-mcp rm --help"],
    ["mv a:1 b:2", 'mv works on one server at a time, not on "a" and "b"', "ssh-mcp cp a:1 b:2"],
    ["chmod", "chmod needs a MODE", "ssh-mcp chmod MODE TARGET:PATH"],
    ["chmod 600", "chmod needs TARGET:PATH", "ssh-mcp chmod 600 TARGET:PATH"],
    ["ln -s x", "ln needs a TARGET:PATH", "ssh-mcp ln x TARGET:PATH"],
    ["cp", "cp needs SOURCES and DESTINATION", "ssh-mcp cp SOURCES DESTINATION"],
    ["cp h:a", 'cp needs a DESTINATION behind "h:a"', "ssh-mcp cp h:a DESTINATION"],
    ["cp -- -a", 'cp needs a DESTINATION behind "-a"', "ssh-mcp cp SOURCES DESTINATION"],
    ["cp -l 5 a h:b", 'cp has no option "-l"', "ssh-mcp cp --help"],
    ["cp --port 22 a h:b", 'cp has no option "--port"', "ssh-mcp cp --help"],
    ["sync h:a", "sync needs a DESTINATION", "ssh-mcp sync h:a DESTINATION"],
    ["sync a b h:c", "sync takes 2 words, not 3", "ssh-mcp sync --help"],
    ["ls -- -x", "ls takes no words", "ssh-mcp ls --help"],
    ["ls -q --json", "give --json or --quiet, not both", "ssh-mcp ls --help"],
    ["help exce", 'there is no command "exce"; did you mean exec?', "ssh-mcp exec --help"],
    ["help exec ls", "help takes one command", "ssh-mcp --help"],
    ["ls -q --running", "give --running or --quiet, not both", "ssh-mcp ls --help"],
    ["lend", "lend needs TARGETS", "ssh-mcp lend TARGETS"],
    ["unlend --json", "unlend needs TARGETS", "ssh-mcp unlend TARGETS"],
    ["lnd web", 'there is no command "lnd"; did you mean lend?', "ssh-mcp lend --help"],
    ["close --no-broker web", 'close has no option "--no-broker"', "ssh-mcp close --help"],
    ["lend --no-broker web", 'lend has no option "--no-broker"', "ssh-mcp lend --help"],
    [
      "--no-broker close web",
      "close changes the sessions the broker keeps: leave out --no-broker",
      "ssh-mcp close --help",
    ],
    [
      "--no-broker unlend web",
      "unlend changes the sessions the broker keeps: leave out --no-broker",
      "ssh-mcp unlend --help",
    ],
    ["exec --no-brokr h x", 'exec has no option "--no-brokr"; did you mean --no-broker?', "ssh-mcp exec --help"],
    ["exec -n --stdin x h y", "give --stdin or --no-stdin, not both", "ssh-mcp exec --help"],
    ["exec -e =SECRET h x", "--env takes NAME=VALUE or NAME: the name is missing", "ssh-mcp exec --help"],
    ["exec -e NOT_OURS h x", '--env "NOT_OURS": there is no such variable here', "ssh-mcp exec --help"],
    ["broker", "broker needs one of status, stop, restart, run", "ssh-mcp broker status"],
    ["broker --json", "broker needs one of status, stop, restart, run", "ssh-mcp broker status"],
    ["broker stauts", 'there is no command "broker stauts"; did you mean status?', "ssh-mcp broker status"],
    ["broker kill", 'there is no command "broker kill"', "ssh-mcp broker --help"],
    ["broker __proto__", 'there is no command "broker __proto__"', "ssh-mcp broker --help"],
    ["broker status now", "broker status takes no more words", "ssh-mcp broker status"],
    ["broker status --jsn", 'broker has no option "--jsn"; did you mean --json?', "ssh-mcp broker --help"],
    ["broker status -p", 'broker has no option "-p"', "ssh-mcp broker --help"],
    ["broker run now", "broker run takes neither words nor options", "ssh-mcp broker run"],
    ["broker run --json", "broker run takes neither words nor options", "ssh-mcp broker run"],
    ["--no-broker broker status", "give broker or --no-broker, not both", "ssh-mcp broker --help"],
    ["broker status --no-broker", 'broker has no option "--no-broker"', "ssh-mcp broker --help"],
    ["brokr status", 'there is no command "brokr"; did you mean broker?', "ssh-mcp broker --help"],
    ["demo fast", "demo takes neither words nor options", "ssh-mcp demo"],
    ["serve now", "serve takes options of its own alone", "ssh-mcp serve --help"],
    ["serve --json", "serve takes options of its own alone", "ssh-mcp serve --help"],
    ["--json serve", "serve takes options of its own alone", "ssh-mcp serve --help"],
  ];
  for (const [line, message, hint] of cases) {
    test(line, () => {
      const result = parsed(line);
      expect(result.kind === "wrong" && result.error.toRecord()).toEqual({
        code: "USAGE",
        message,
        hint,
        retryable: false,
      });
    });
  }

  test("a strange word is shown escaped", () => {
    const result = parsed(["exec", "--\u001b[2J\n", "h", "x"]);
    expect(result.kind === "wrong" && result.error.message).toBe('exec has no option "--\\x1b[2J\\n"');
  });
});

describe("--json says how a mistake is printed, wherever it stands among our options", () => {
  const cases: [line: string, json: boolean][] = [
    ["exec --json --bogus h x", true],
    ["exec --bogus --json h x", true],
    ["exec --port x --json h x", true],
    ["--json conect h", true],
    ["conect --json h", true],
    ["ls h --json", true],
    ["broker bogus --json", true],
    ["broker --bogus --json status", true],
    ["exec --bogus h x --json", false],
    ["exec --bogus h -- --json", false],
  ];
  for (const [line, json] of cases)
    test(line, () => expect(parsed(line)).toMatchObject({ kind: "wrong", options: { json } }));
});
