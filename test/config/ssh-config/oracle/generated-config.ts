// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ssh_config writes its variables so
/** Configurations made up at random: files that include each other, with blocks of every kind, good lines and bad ones. */
import fc from "fast-check";
import { values } from "./config-lines.ts";

export const hosts = ["web1", "web2", "WEB1", "db.example.com", "a-b", "10.0.0.5", "127.1", "::1", "x"] as const;

/** How often a line is one that ssh refuses. */
export type Bad = "none" | "some";

const anyCase = (word: string): fc.Arbitrary<string> => fc.constantFrom(word, word.toLowerCase(), word.toUpperCase());
const separator = fc.constantFrom(" ", " ", " ", " ", "=", " = ", "= ", " =", "\t", "   ");
const tail = fc.constantFrom("", "", "", "", "", " # comment", "\t#", "\r", " \f");

const keyworded = (keyword: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom("", "  ", "\t"), anyCase(keyword), separator, value, tail)
    .map(([indent, word, between, text, end]) => indent + word + between + text + end);

const pattern = fc.oneof(
  fc.constantFrom(...hosts),
  fc.constantFrom("*", "web*", "?eb1", "*.example.com", "*.5", "*b*", "w*b?", "**", "WEB*", "nobody", '"a b"'),
);
const patterns = fc
  .array(fc.tuple(fc.constantFrom("", "", "", "!"), pattern), { minLength: 1, maxLength: 4 })
  .map((list) => list.map(([negation, text]) => (text.startsWith('"') ? text : negation + text)));
const names = fc.array(fc.constantFrom("ann", "root", "!bob", "*", "a*", "!root"), { minLength: 1, maxLength: 2 });

const commands = [
  "true",
  "false",
  "exit 3",
  "test %n = web1",
  "test %h = one.example.com",
  "test %p -eq 2201",
  "test %r = ann -a %u != ann",
  "test 100%% = 100%%",
  "test %k = other.example.com",
  "case %L%l%d%i%C in *root*) true ;; *) false ;; esac",
  'test -n \\"$SSH_MCP_TEST\\"'.replaceAll("\\", ""),
];

const argument = fc.oneof(
  fc.tuple(fc.constantFrom("host", "originalhost", "HOST"), patterns).map(([word, list]) => ({
    word,
    text: list.filter((one) => !one.startsWith('"')).join(",") || "*",
  })),
  fc.tuple(fc.constantFrom("user", "localuser", "User"), names).map(([word, list]) => ({ word, text: list.join(",") })),
);
const criterion = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(argument, fc.constantFrom(" ", "=", '"', " = "))
      .map(([{ word, text }, mark]) => (mark === '"' ? `${word} "${text}"` : `${word}${mark}${text}`)),
  },
  { weight: 2, arbitrary: fc.constantFrom(...commands).map((command) => `exec "${command.replaceAll('"', "")}"`) },
  { weight: 2, arbitrary: fc.constantFrom("final", "canonical", "FINAL") },
);
const match = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom("", "", "", "!"), criterion), { maxLength: 3 }),
    fc.constantFrom("", "", "", " # comment"),
  )
  .map(([criteria, end]) => `${criteria.map(([negation, text]) => negation + text).join(" ") || "all"}${end}`);
const all = fc.constantFrom("all", "!all", "final all", "canonical all", "host=* all", "ALL # x");

const section = fc.oneof(
  {
    weight: 3,
    arbitrary: keyworded(
      "Host",
      patterns.map((list) => list.join(" ")),
    ),
  },
  { weight: 3, arbitrary: fc.oneof({ weight: 5, arbitrary: match }, all).map((text) => `Match ${text}`) },
);

const entries = Object.entries(values);
const goodLine = fc
  .constantFrom(...entries)
  .chain(([keyword, { good }]) => keyworded(keyword, fc.constantFrom(...good)));
const badLine = fc
  .constantFrom(...entries.filter(([, { bad }]) => bad.length > 0))
  .chain(([keyword, { bad }]) => fc.constantFrom(...bad).map((value) => `${keyword} ${value}`));

/** The keywords that change what other lines mean, so that they meet often. */
const frequent = [
  ...["HostName", "User", "Port", "IdentityFile", "CertificateFile", "SendEnv", "SetEnv", "ProxyJump", "ProxyCommand"],
  ...[
    "UserKnownHostsFile",
    "RekeyLimit",
    "ForwardAgent",
    "ConnectTimeout",
    "LocalForward",
    "HostKeyAlias",
    "ControlPath",
  ],
];
const frequentLine = fc
  .constantFrom(...frequent)
  .chain((keyword) => keyworded(keyword, fc.constantFrom(...(values[keyword]?.good ?? []))));

const oddLine = fc.constantFrom(
  "",
  "# comment",
  "   # IdentityFile /no",
  "\t",
  "UserKnownHostsFile # none",
  "Host # none",
  "SendEnv # none",
  "IgnoreUnknown Bog*,!Bogusx",
  "IgnoreUnknown *",
  '"Port 5',
);
const malformed = fc.constantFrom(
  "Port",
  "Port #",
  "Port =",
  'User "a',
  "User 'a",
  "Bogus yes",
  "Bogusx yes",
  "Match",
  "Match all host web1",
  "Match host",
  "Match nothing web1",
  "Match user ann all exec true x",
  "Match host web1 user ann all",
  'Host ""',
  "Include",
  'Include ""',
  "=",
  "==",
  'Ho"st" web1',
  '"Port" 7',
  "Port\t=\t7",
  "=Port 8",
  "HostName %z",
  "HostName %",
  "ControlPath %z",
  "RemoteCommand %y",
  "UserKnownHostsFile ~nobody-here/x",
  "ControlPath ${SSH_MCP_NOT_SET}",
  'Match exec "%q"',
  "ConnectionAttempts 0",
);

/**
 * One file's text.
 * @param includes paths or patterns that it may include
 */
export const fileText = (includes: readonly string[], bad: Bad): fc.Arbitrary<string> => {
  const weight = bad === "some" ? 2 : 0;
  const include =
    includes.length === 0
      ? fc.constant("")
      : fc
          .array(fc.constantFrom(...includes), { minLength: 1, maxLength: 2 })
          .chain((paths) => keyworded("Include", fc.constant(paths.join(" "))));
  return fc
    .array(
      fc.oneof(
        { weight: 9, arbitrary: goodLine },
        { weight: 8, arbitrary: frequentLine },
        { weight: 8, arbitrary: section },
        { weight: 3, arbitrary: include },
        { weight: 2, arbitrary: oddLine },
        { weight, arbitrary: badLine },
        { weight, arbitrary: malformed },
      ),
      { maxLength: 18 },
    )
    .chain((lines) => fc.constantFrom("\n", "\n", "\n", "\r\n").map((end) => lines.join(end) + end));
};

/** What stands on the command line beside the host. */
export const commandLine = fc.record(
  {
    user: fc.constantFrom("ann", "Zoe"),
    port: fc.constantFrom(22, 2201),
    // ssh leaves out those that are not there.
    identityFiles: fc.array(fc.constantFrom("/etc/hosts", "~/.", "/etc/passwd"), { maxLength: 2 }),
    options: fc.array(
      fc.constantFrom(
        "Port=5",
        "port = 6",
        "User cli",
        "IdentityFile=~/k",
        "identityfile /k/a",
        "UserKnownHostsFile=/a /b",
        'UserKnownHostsFile="/a b"',
        "ProxyJump=cli-jump:9",
        "ProxyCommand nc %h %p",
        "HostName=typed.%h",
        "SetEnv=X=1",
        "SendEnv LC_CLI",
        "BatchMode=yes",
        "StrictHostKeyChecking=off",
        "LocalForward=9000 h:1",
        "Ciphers=-aes*",
        "CanonicalizeHostname=no",
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
