/** What `init` writes: comments alone, so that nothing changes by it. */

export const settingsTemplate = `# Settings of ssh-mcp. Everything here is optional; \`ssh-mcp hosts set NAME --label … --group …\` writes here too.

# [limits]
# sessions = 64            # connected at once

# What is said of one host, by the name you type for it:
# [host.db1]
# label = "the database"   # shown by \`ssh-mcp hosts\`
# groups = ["prod"]        # \`ssh-mcp close @prod\` means all of a group
# legacy = true            # an old device: SHA-1 key exchange, CBC, ssh-rsa
# passwordCommand = "pass show db1"
# sudo = true              # agents' sudo gets the login's password and stored ones, without \`ssh-mcp sudo NAME\`

# What is said of all hosts of a group, unless a host says otherwise itself:
# [group.prod]
# label = "production"
# hosts = ["web1", "web2"] # beside the hosts that name the group
# legacy = false
`;

export const ownFileTemplate = `# Hosts of ssh-mcp, in the syntax of ssh_config(5): \`ssh-mcp hosts add|set|rm\` writes here, and so may you.
# It is read after ~/.ssh/config: what is said there wins.
#
# Host db1
#     HostName 192.0.2.7
#     User deploy
`;
