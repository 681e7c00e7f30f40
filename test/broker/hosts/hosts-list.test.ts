/** `hosts ls|show`, labels and groups, and `init`, through the compiled binary. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { cleanup } from "../../support/cleanup.ts";
import { makePlace, modeOf } from "./place.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

interface Option {
  name: string;
  value: string;
  origin: string | null;
  acted: boolean;
}

describe("hosts show", () => {
  test("has every line of ssh -G, with its value, and where it is said", async () => {
    const config = `Host db1
  HostName 192.0.2.7
  VisualHostKey yes
  LocalForward 8080 127.0.0.1:80
  IdentityFile /k/%r-%h
Host *
  User deploy
  ServerAliveInterval 1m
`;
    const place = makePlace(config);
    const words = ["-F", place.config, "-p", "23", "-o", "Compression=yes"];
    const shown = await place.json("hosts", "show", "db1", ...words);
    const options = shown["options"] as Option[];
    const ofSsh = await place.oracle("db1", place.config);
    // What was said on the command line.
    ofSsh.set("port", ["23"]).set("compression", ["yes"]);
    const ours = new Map<string, string[]>();
    for (const { name, value } of options) ours.set(name, [...(ours.get(name) ?? []), value]);
    // The port is in no other line, but in files of the person, whose home is another one here.
    for (const name of ["userknownhostsfile"]) {
      ours.delete(name);
      ofSsh.delete(name);
    }
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(ofSsh));
    const of = (name: string): Option | undefined => options.find((option) => option.name === name);
    expect(of("user")).toEqual({ name: "user", value: "deploy", origin: `${place.config}:7`, acted: true });
    expect(of("port")).toEqual({ name: "port", value: "23", origin: "the request", acted: true });
    expect(of("compression")).toMatchObject({ origin: "-o", acted: true });
    expect(of("serveraliveinterval")).toMatchObject({ value: "60", origin: `${place.config}:8` });
    expect(of("visualhostkey")).toMatchObject({ origin: `${place.config}:3`, acted: false });
    expect(of("tcpkeepalive")).toMatchObject({ origin: null });
    const { stdout } = await place.hosts("show", "db1", ...words);
    const [acted = "", others = ""] = stdout.split("known to ssh, not acted on here:\n");
    expect(acted).toContain(`user deploy  # ${place.config}:7\n`);
    expect(others).toContain(`visualhostkey yes  # ${place.config}:3\n`);
    expect(others).toContain("localforward ");
  });

  test("fails as a connection would, before anything is dialled", async () => {
    const place = makePlace("Host a\n  Prot 22\n");
    expect((await place.hosts("show", "a")).stderr).toContain(`${place.config}:2: there is no keyword "prot"`);
    expect((await place.hosts("show", "$(id)", "-F", "none")).stderr).toContain("[INVALID_INPUT]");
  });
});

describe("hosts ls", () => {
  test("has the names of all files with their lines, labels and groups, and takes filters", async () => {
    const place = makePlace("Host web1 web2 *.example.com !x\n  Port 1\n", "Host db1\n  Port 2\n");
    writeFileSync(
      place.settings,
      '# mine\n[host.web1]\nlabel = "the \\u0022first\\u0022"\n[group.prod]\nhosts = ["web1", "db1", "gone"]\n',
    );
    const { hosts } = await place.json("hosts");
    expect(hosts).toEqual([
      ...[
        { name: "web1", origin: `${place.config}:1`, label: 'the "first"', groups: ["prod"] },
        { name: "web2", origin: `${place.config}:1`, label: null, groups: [] },
        { name: "db1", origin: `${place.own}:1`, label: null, groups: ["prod"] },
      ].map((host) => ({ ...host, sessions: [], enabled: true, proposedBy: null })),
    ]);
    const names = async (...words: string[]) => (await place.hosts(...words, "-q")).stdout;
    expect(await names("@prod")).toBe("web1\ndb1\n");
    expect(await names("ls", "web*", "@prod")).toBe("web1\nweb2\ndb1\n");
    expect(await names("ls", "nobody")).toBe("");
    const missing = await place.hosts("@pro");
    expect(missing.status).toBe(1);
    expect(missing.stderr).toBe(
      'ssh-mcp: there is no group "@pro": there are @prod [NOT_FOUND]\n  try: ssh-mcp hosts ls @prod\n',
    );
    const { stdout } = await place.hosts();
    expect(stdout).toMatch(/^NAME {2}SESSION {2}GROUPS {2}FROM +LABEL\nweb1 {2}- {8}prod {4}\S+:1 +the "first"\n/);
  });

  test("labels and groups are written for hosts of any file, and the rest of config.toml stays", async () => {
    const place = makePlace("Host web1\n  Port 1\n");
    writeFileSync(place.settings, "# mine\n[limits]\nsessions = 5 # few\n");
    expect((await place.hosts("set", "web1", "--label", "the web", "--group", "a", "--group", "b")).status).toBe(0);
    expect(readFileSync(place.settings, "utf8")).toBe(
      '# mine\n[limits]\nsessions = 5 # few\n\n[host.web1]\nlabel = "the web"\ngroups = ["a", "b"]\n',
    );
    expect(place.text()).toBe("");
    await place.hosts("set", "web1", "--unset", "label", "--group", "c");
    expect(readFileSync(place.settings, "utf8")).toContain('\n[host.web1]\ngroups = ["c"]\n');
    expect((await place.hosts("set", "nobody", "--label", "x")).stderr).toContain("[NOT_FOUND]");
  });
});

test("init makes what is not there, and says how plain ssh knows the same hosts", async () => {
  const place = makePlace("", "# kept\n");
  const first = await place.json("init");
  expect(first).toEqual({
    created: [place.settings],
    kept: [place.own],
    include: "Include ~/.ssh-mcp/ssh_config",
    included: false,
  });
  expect([modeOf(place.settings), place.text()]).toEqual(["600", "# kept\n"]);
  const text = readFileSync(place.settings, "utf8");
  // Every line that is a setting means something once its mark is gone.
  const open = text.replace(/^# (?=\[|[a-z]+ = )/gim, "").replace('"pass show db1"', '"true"');
  writeFileSync(place.settings, open);
  writeFileSync(place.config, "Host web1\nHost web2\nHost db1\nMatch all\nInclude ~/.ssh-mcp/ssh_config\n");
  expect(await place.json("init")).toMatchObject({ created: [], included: true });
  expect((await place.hosts("@prod", "-q")).stdout).toBe("web1\nweb2\ndb1\n");
});
