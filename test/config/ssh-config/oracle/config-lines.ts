// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ssh_config writes its variables so
/** The keywords that OpenSSH 9.2 knows and we do not refuse, with values it takes and values it does not. */

interface Values {
  good: readonly string[];
  bad: readonly string[];
}

const flag: Values = { good: ["yes", "no", "True", "FALSE", '"yes"'], bad: ["maybe", "1", "yes no", '""', "on"] };
const number: Values = { good: ["0", "1", "7", "010", '"12"'], bad: ["many", "-1", "1 2", "2147483648", '""', "1.5"] };
const time: Values = {
  good: ["0", "30", "5m", "1h30m", "2H10S", "1w", "1d", "none", "90s", '"10"'],
  bad: ["soon", "-5", "1x", '""', "5 6", "1.5h", "99999999999", "None"],
};
const name: Values = { good: ["one", "Two", '"three four"', "'5'", "none", "None"], bad: ["a b", '""', '"a'] };
const ask: Values = { good: ["yes", "no", "ask", "ASK", "true"], bad: ["accept-new", "ask yes"] };
const line: Values = {
  good: ["echo %%h", 'sh -c "a  b"', "one  two # three", "= x", "none", "NONE", '"quoted"', "a\\ b"],
  bad: ['echo "a', "it's"],
};
const path: Values = {
  good: ["~/a", "/b", "rel", "/t/%h-%p-%r", "/t/${SSH_MCP_TEST}/%u", "~/%%/%n", "%d/x", "/i%i/%L/%l", '"/a b"', "none"],
  bad: ["a b", '""'],
};
const keyTypes: Values = {
  good: [
    "ssh-ed25519",
    "+ssh-rsa",
    "-*rsa*",
    "^rsa-sha2-512",
    "ecdsa*,ssh-ed25519",
    "-ssh-ed25519*,sk-*",
    "^ssh-dss,ssh-rsa",
    "-nothing",
    "ssh-rsa,,ssh-dss",
  ],
  bad: ["ssh-quantum", "+", "a b", '""', "+nothing"],
};

export const values: Readonly<Record<string, Values>> = {
  AddKeysToAgent: {
    good: ["yes", "no", "ask", "confirm", "confirm 5m", "10", "1h", "0", "confirm 0", "Yes"],
    bad: ["yes 5m", "never", "confirm soon", "5 6"],
  },
  AddressFamily: { good: ["any", "inet", "inet6", "INET"], bad: ["ipv4", "any inet"] },
  BatchMode: flag,
  BindAddress: name,
  BindInterface: name,
  CanonicalDomains: {
    good: ["none", "A.invalid", "b.invalid c.invalid"],
    bad: ["none a.invalid", '""', "-x.invalid", "a..invalid", "a b none", "a b/c"],
  },
  CanonicalizeFallbackLocal: { good: ["yes", "true"], bad: ["maybe"] },
  CanonicalizeHostname: { good: ["no", "no", "false", "yes", "always"], bad: ["sometimes", "ask"] },
  CanonicalizeMaxDots: { good: ["0", "0", "0"], bad: number.bad },
  CanonicalizePermittedCNAMEs: { good: ["none", "None"], bad: ["a", "a:", "none a:b", "b:c none"] },
  CASignatureAlgorithms: keyTypes,
  CertificateFile: { good: ["~/c", "/c", "/c", "none", "%d/c"], bad: ["a b", '""'] },
  ChallengeResponseAuthentication: flag,
  CheckHostIP: flag,
  Ciphers: {
    good: [
      "aes128-ctr",
      "+3des-cbc",
      "-aes*",
      "^aes256-gcm@openssh.com",
      "aes256-ctr,aes128-ctr",
      "-nothing",
      "aes128-ctr,",
    ],
    bad: ["rot13", "+rot13", "a b", '""'],
  },
  ClearAllForwardings: flag,
  Compression: { good: ["yes", "no", "YES"], bad: ["true", "9"] },
  ConnectionAttempts: { good: ["1", "3", "05"], bad: ["x", "-1", ""] },
  ConnectTimeout: time,
  ControlMaster: { good: ["yes", "no", "auto", "ask", "autoask"], bad: ["maybe"] },
  ControlPath: path,
  ControlPersist: { good: ["yes", "no", "true", "false", "5m", "0", "300"], bad: ["Yes", "forever"] },
  DynamicForward: { good: ["1080", "localhost:1081", "[::1]:1082", "*:1083"], bad: ["0", "x", "a:b:c", "1 2"] },
  EnableEscapeCommandline: flag,
  EnableSSHKeysign: flag,
  EscapeChar: { good: ["~", "none", "^A", "@", "^]", "\\", '" "', "x"], bad: ["ab", "^^^", '""'] },
  ExitOnForwardFailure: { good: ["no", "no"], bad: ["maybe"] },
  FingerprintHash: { good: ["md5", "sha256", "SHA512"], bad: ["crc32", '""'] },
  ForkAfterAuthentication: { good: ["no", "false"], bad: ["maybe"] },
  ForwardAgent: {
    good: ["yes", "no", "/run/a", "~/a.sock", "${SSH_MCP_TEST}", "$SSH_AUTH_SOCK", "/r/%h", "$1x"],
    bad: ["${", "${}", "$-x", '""', "a b", "${x"],
  },
  ForwardX11: flag,
  ForwardX11Timeout: time,
  ForwardX11Trusted: flag,
  GatewayPorts: flag,
  GlobalKnownHostsFile: {
    good: ["/g/a", "/g/a /g/b", "none", "~/x", "/%h", '"/g a" /b'],
    bad: ["none /a", '"" /a', "/a none"],
  },
  GSSAPIAuthentication: flag,
  GSSAPIClientIdentity: name,
  GSSAPIDelegateCredentials: flag,
  GSSAPIKeyExchange: flag,
  GSSAPIRenewalForcesRekey: flag,
  GSSAPIServerIdentity: name,
  GSSAPITrustDns: flag,
  HashKnownHosts: flag,
  HostbasedAcceptedAlgorithms: keyTypes,
  HostbasedAuthentication: flag,
  HostbasedKeyTypes: keyTypes,
  HostKeyAlgorithms: keyTypes,
  HostKeyAlias: { good: ["Alias", "other.example.com", "none"], bad: ["a b", '""'] },
  HostName: {
    good: ["one.example.com", "ONE", "%h.example.com", "%%h", "10.1", "FE80::1", '"two"', "%h"],
    bad: ["a b", '""'],
  },
  IdentitiesOnly: flag,
  IdentityAgent: {
    good: ["none", "SSH_AUTH_SOCK", "$SSH_AUTH_SOCK", "~/agent", "/a/%h/%r", "${SSH_MCP_TEST}", '"/a b"', "$HOME"],
    bad: ["${", "$-", '""', "a b", "${NOT", "$a b"],
  },
  IdentityFile: { good: ["/k/a", "/k/a", "~/k", "~/.ssh/id_rsa", "k", "none", "/k/%h"], bad: ["a b", '""', "'a"] },
  IdentityFile2: { good: ["/k/2"], bad: [] },
  IPQoS: {
    good: ["af21", "ef cs1", "0x10", "8", "none", "le 255", "LowDelay throughput", "010", "cs0 reliability"],
    bad: ["fast", "256", "af21 x", "-1", "1 2 3"],
  },
  KbdInteractiveAuthentication: flag,
  KbdInteractiveDevices: name,
  KeepAlive: flag,
  KexAlgorithms: {
    good: ["curve25519-sha256", "+diffie-hellman-group1-sha1", "-*", "^ecdh-sha2-nistp521", "-diffie*,ecdh*"].filter(
      (list) => list !== "-*",
    ),
    bad: ["sha256", "+x", "a b", '""'],
  },
  LocalCommand: line,
  LocalForward: {
    good: ["8080 localhost:80", "localhost:8081 [::1]:80", "[::1]:8082 db:5432", "*:8084 h:1"],
    bad: ["8080", "x y:80", "8080 host", "0 h:80", "8080 h:x", "1 2 3", "70000 h:1"],
  },
  LogLevel: { good: ["quiet", "SILENT", "debug", "DEBUG1", "info", "verbose", "error"], bad: ["loud", ""] },
  LogVerbose: { good: ["kex.c:*:1000", "a b", "none"], bad: ["none a", '"" b'] },
  MACs: {
    good: ["hmac-sha2-256", "+hmac-md5", "-umac*", "^hmac-sha1", "hmac-sha2-*".replace("*", "512")],
    bad: ["crc", "a b", '""', "hmac-*"],
  },
  NoHostAuthenticationForLocalhost: flag,
  NumberOfPasswordPrompts: number,
  PasswordAuthentication: flag,
  PermitLocalCommand: flag,
  PermitRemoteOpen: { good: ["any", "none", "h:1 [::1]:2", "*:*", "a:22"], bad: ["a", "a:x", "any a:1", "a:0"] },
  PKCS11Provider: name,
  Port: {
    good: ["22", "2201", "0065", "65535", '"8"', "ssh", "+5"],
    bad: ["abc", "0", "65536", "1 2", '""', "-1", "0x16", "22a"],
  },
  PreferredAuthentications: { good: ["publickey", "publickey,password", '"a b"'], bad: ["a b", '""'] },
  ProxyCommand: line,
  ProxyJump: {
    good: [
      "jump",
      "ann@jump:2222",
      "a,b,c",
      "10.0.0.1",
      "[::1]:22",
      "ssh://bob@j:99",
      "none",
      "NONE",
      "u@a@b",
      "a,10.2.3.4:9",
      "j # c",
      "ssh://j/",
    ],
    bad: ["a:x", "@b", "a,,b", "ssh://", "a:0", "ssh://h/p", "ssh://[::1]/", ",", "a:b:c"],
  },
  // We refuse the other answer.
  ProxyUseFdpass: { good: ["no", "FALSE"], bad: flag.bad },
  PubkeyAcceptedAlgorithms: keyTypes,
  PubkeyAcceptedKeyTypes: keyTypes,
  PubkeyAuthentication: { good: ["yes", "no", "unbound", "host-bound", "true"], bad: ["maybe", "host"] },
  RekeyLimit: {
    good: ["default", "1G", "500M 1h", "default 30", "0", "16", "1.5K none", "2g 0", "1T", "default none", "1.25M"],
    bad: ["15", "1X", "1G soon", "1G 1h x", '""', "1KB", "1..5G"],
  },
  RemoteCommand: { good: ["uptime", "echo %h %%", "a  b # c", "none"], bad: ['"a'] },
  RemoteForward: {
    good: ["8080 localhost:80", "0 localhost:80", "1080", "/s/a /s/b", "host:9 /s/x", "[::]:7 [::1]:8"],
    bad: ["x", "8080 host", "1 2 3", "h:x t:1"],
  },
  RequestTTY: { good: ["yes", "no", "auto", "force", "TRUE"], bad: ["always", "ask"] },
  RequiredRSASize: { good: ["1024", "2048", "03072"], bad: number.bad },
  RevokedHostKeys: path,
  SecurityKeyProvider: name,
  SendEnv: {
    good: ["LANG LC_*", "A B", "-LC_*", "-*", "LANG", "A -A C", "-A"],
    bad: ["A=b", '""', 'A ""'],
  },
  ServerAliveCountMax: number,
  ServerAliveInterval: time,
  SessionType: { good: ["default", "none", "DEFAULT"], bad: ["shell"] },
  SetEnv: {
    good: ["A=1", "A=1 B=2 A=3", '"C=x y"', "D=", "A==", "'E=\"'"],
    bad: ["A", "=x", '""', "A=1 B"],
  },
  SkeyAuthentication: flag,
  SmartcardDevice: name,
  StdinNull: flag,
  StreamLocalBindMask: { good: ["0177", "077", "0", "777", "18"], bad: ["9", "01000", "x"] },
  StreamLocalBindUnlink: flag,
  StrictHostKeyChecking: {
    good: ["yes", "no", "ask", "off", "accept-new", "Yes", "true"],
    bad: ["sometimes", "new"],
  },
  SyslogFacility: { good: ["USER", "daemon", "local7", "AuthPriv"], bad: ["kern", ""] },
  TCPKeepAlive: flag,
  Tunnel: { good: ["yes", "no", "ethernet", "point-to-point", "Ethernet"], bad: ["both"] },
  TunnelDevice: { good: ["any", "5", "1:2", "any:3", "05:any"], bad: ["x", "1:2:3", "-1", ":"] },
  UpdateHostKeys: ask,
  User: { good: ["ann", "bob", "Ann", '"a b"', "'c'", "d#e"], bad: ["a b", '"a', '""'] },
  UserKnownHostsFile: {
    good: [
      "/h/a",
      "/h/a /h/b",
      "~/h",
      "none",
      "~/.ssh/known_hosts",
      "/h/%h /h/%k",
      '"/h a"',
      "/h/${SSH_MCP_TEST}",
      "/c/%C",
    ],
    bad: ["none /a", '"" /a', "/a NONE"],
  },
  VerifyHostKeyDNS: ask,
  VisualHostKey: flag,
  XAuthLocation: name,
  // Read past, with whatever follows.
  Cipher: { good: ["x y z", "blowfish"], bad: ['"a'] },
  Protocol: { good: ["2", "2,1 x"], bad: ["'"] },
  RSAAuthentication: { good: ["maybe x"], bad: [] },
  UseRoaming: { good: ["no"], bad: [] },
  ProtocolKeepAlives: time,
  SetupTimeOut: time,
};
