
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'oauthctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'oauthctl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'oauthctl' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Set oauthctl up for an app: settings, a first key and the documents to publish')
            [CompletionResult]::new('gen-jwk', 'gen-jwk', [CompletionResultType]::ParameterValue, 'Print one ES256 private key for the app to sign with')
            [CompletionResult]::new('keys', 'keys', [CompletionResultType]::ParameterValue, 'Look after the keys that the app signs with')
            [CompletionResult]::new('jwks', 'jwks', [CompletionResultType]::ParameterValue, 'Print the public JWKS document')
            [CompletionResult]::new('metadata', 'metadata', [CompletionResultType]::ParameterValue, 'Print the client metadata document, or check one')
            [CompletionResult]::new('sessions', 'sessions', [CompletionResultType]::ParameterValue, 'Look at and look after the sessions of the app''s users')
            [CompletionResult]::new('states', 'states', [CompletionResultType]::ParameterValue, 'Look at and clean up logins that were begun')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out whether the deployment is right: settings, keys, store, published documents')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write all of them into a directory')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;init' {
            [CompletionResult]::new('--client-uri', '--client-uri', [CompletionResultType]::ParameterName, 'Home page of the app')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'URL of the client metadata document [default: where the app serves it]')
            [CompletionResult]::new('--client-name', '--client-name', [CompletionResultType]::ParameterName, 'Name of the app, as users see it [default: from package.json, or the directory''s]')
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'The app''s callback: a URL, or a path at the client URI (repeatable)')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'The most that the app may ask users for [default: atproto, which is who they are]')
            [CompletionResult]::new('--metadata-file', '--metadata-file', [CompletionResultType]::ParameterName, 'Where the client metadata document goes [default: public/oauth-client-metadata.json, where there is a public/]')
            [CompletionResult]::new('--jwks-file', '--jwks-file', [CompletionResultType]::ParameterName, 'Where the public keys go [default: public/.well-known/jwks.json, where there is a public/]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--public', '--public', [CompletionResultType]::ParameterName, 'Set up a public client, which has no key')
            [CompletionResult]::new('--new-key', '--new-key', [CompletionResultType]::ParameterName, 'Make a new key although a variable that should hold the app''s key cannot be read')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be written, and write nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be written, and write nothing')
            [CompletionResult]::new('--sql', '--sql', [CompletionResultType]::ParameterName, 'Print the SQL that prepares a PostgreSQL: a schema for notes, and the rights of the role in its address')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Do not look into the store: neither for its layout nor for keys that sessions need')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;gen-jwk' {
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Name of the key: `thumbprint` (RFC 7638), `timestamp` (epoch milliseconds) or any text [default: thumbprint]')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'How to write the key')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Print a NAME=''…'' line for a shell or a dotenv file; with --output, add it to the file')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Convert this key instead of generating one; a key source like those of --keys')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;keys' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the keys: which signs, which is published, what depends on each')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Add a new signing key; the old ones stay for the sessions bound to them')
            [CompletionResult]::new('retire', 'retire', [CompletionResultType]::ParameterValue, 'Remove a key that no session and no pending login depends on')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;keys;list' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;keys;rotate' {
            [CompletionResult]::new('--activate-in', '--activate-in', [CompletionResultType]::ParameterName, 'When the new key begins to sign')
            [CompletionResult]::new('--promote', '--promote', [CompletionResultType]::ParameterName, 'Let a staged key sign, once the published key set has held it for 10 minutes')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Name of the new key [default: its thumbprint]')
            [CompletionResult]::new('--new-env', '--new-env', [CompletionResultType]::ParameterName, 'Variable for the new key, where the old one has a variable to itself')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where the new key goes, where the old one has a file to itself; for variables, a file for the new assignment')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the new key goes, where the old one has a file to itself; for variables, a file for the new assignment')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--stage', '--stage', [CompletionResultType]::ParameterName, 'Put the new key behind the active one, published but not signing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'With --promote: wait until servers know the key')
            [CompletionResult]::new('--unpublished', '--unpublished', [CompletionResultType]::ParameterName, 'With --promote: do not look at what is published')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;keys;retire' {
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Requests a second to one server, of all kinds; 0 is no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most so many sessions a second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to try again where a server gives no answer, or the store does not take new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--unused', '--unused', [CompletionResultType]::ParameterName, 'Retire the key although the store does not show that it is unused: it is empty, or has records that cannot be read')
            [CompletionResult]::new('--ignore-malformed', '--ignore-malformed', [CompletionResultType]::ParameterName, 'ignore-malformed')
            [CompletionResult]::new('--revoke-sessions', '--revoke-sessions', [CompletionResultType]::ParameterName, 'End the sessions bound to the key first, with that key')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Remove the records of sessions that cannot be proved to have ended, too; they may live on at their server')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;keys;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the keys: which signs, which is published, what depends on each')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Add a new signing key; the old ones stay for the sessions bound to them')
            [CompletionResult]::new('retire', 'retire', [CompletionResultType]::ParameterValue, 'Remove a key that no session and no pending login depends on')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;keys;help;list' {
            break
        }
        'oauthctl;keys;help;rotate' {
            break
        }
        'oauthctl;keys;help;retire' {
            break
        }
        'oauthctl;keys;help;help' {
            break
        }
        'oauthctl;jwks' {
            [CompletionResult]::new('--drop-key', '--drop-key', [CompletionResultType]::ParameterName, 'Leave this key out, though the file that is replaced has it or records are bound to it (repeatable)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Do not look into the store for sessions that need another key')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;metadata' {
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'URL of the document [default: /oauth-client-metadata.json at the client URI]')
            [CompletionResult]::new('--client-uri', '--client-uri', [CompletionResultType]::ParameterName, 'Home page of the app')
            [CompletionResult]::new('--client-name', '--client-name', [CompletionResultType]::ParameterName, 'Name of the app, as users see it')
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'The app''s callback: a URL, or a path at the client URI (repeatable)')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'The most that the app may ask users for [default: atproto, which is who they are]')
            [CompletionResult]::new('--jwks-uri', '--jwks-uri', [CompletionResultType]::ParameterName, 'URL of the public keys [default: /.well-known/jwks.json at the client URI]')
            [CompletionResult]::new('--jwks', '--jwks', [CompletionResultType]::ParameterName, 'Where servers find the public keys: at their URL, or in the document [default: uri]')
            [CompletionResult]::new('--loopback', '--loopback', [CompletionResultType]::ParameterName, 'Describe a development client, its app listening on this port of 127.0.0.1 [default: 3000]')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check this document instead, and list all that is wrong; `-` is stdin. With --client-id: published at that URL')
            [CompletionResult]::new('--drop-key', '--drop-key', [CompletionResultType]::ParameterName, 'Leave this key out, though the file that is replaced has it or records are bound to it (repeatable)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--public', '--public', [CompletionResultType]::ParameterName, 'Describe a public client, whatever keys are configured')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Do not look into the store for sessions that need another key')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the sessions in the app''s store')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an account''s sessions (tokens and keys are never shown)')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count sessions by status, issuer, client key, authentication and age')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Keep sessions alive by exchanging their refresh tokens')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'End sessions at the server, and remove their records')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove sessions that have ended, and on request sign out users who have been away')
            [CompletionResult]::new('upgrade', 'upgrade', [CompletionResultType]::ParameterValue, 'Carry sessions begun as a public client over to the confidential client')
            [CompletionResult]::new('recover', 'recover', [CompletionResultType]::ParameterValue, 'Store tokens that an earlier run exchanged and could not store')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write the sessions, tokens and keys included, for `sessions import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Bring exported sessions into this store, without logging anyone out')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;sessions;list' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session under this key of the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions with this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key, given whole or by six or more of its first characters')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions in this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions that were granted this scope')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many sessions; those with which nothing is done do not count')
            [CompletionResult]::new('--inactive', '--inactive', [CompletionResultType]::ParameterName, 'Sessions whose user has been away for this long: those that `sessions prune --inactive` would sign out')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show whole kids, times instead of ages, and when access tokens expire; other formats always hold everything')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;show' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;stats' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session under this key of the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions with this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key, given whole or by six or more of its first characters')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions in this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions that were granted this scope')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many sessions; those with which nothing is done do not count')
            [CompletionResult]::new('--inactive', '--inactive', [CompletionResultType]::ParameterName, 'Sessions whose user has been away for this long: those that `sessions prune --inactive` would sign out')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;refresh' {
            [CompletionResult]::new('--metrics-file', '--metrics-file', [CompletionResultType]::ParameterName, 'Write counts, duration and the time of the last success to this file (Prometheus text format); a dry run writes none')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session under this key of the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions with this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key, given whole or by six or more of its first characters')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions in this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions that were granted this scope')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many sessions; those with which nothing is done do not count')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Requests a second to one server, of all kinds; 0 is no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most so many sessions a second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to try again where a server gives no answer, or the store does not take new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what would be refreshed, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be refreshed, and do nothing')
            [CompletionResult]::new('--due', '--due', [CompletionResultType]::ParameterName, 'Sessions that are due (the default)')
            [CompletionResult]::new('--expired', '--expired', [CompletionResultType]::ParameterName, 'Sessions whose access token has expired')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All sessions')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;revoke' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session under this key of the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions with this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key, given whole or by six or more of its first characters')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions in this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions that were granted this scope')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many sessions; those with which nothing is done do not count')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Requests a second to one server, of all kinds; 0 is no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most so many sessions a second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to try again where a server gives no answer, or the store does not take new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Remove the record even where the session may live on at the server; what is malformed or foreign stays')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what would be revoked, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be revoked, and do nothing')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All sessions')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;prune' {
            [CompletionResult]::new('--metrics-file', '--metrics-file', [CompletionResultType]::ParameterName, 'Write counts, duration and the time of the last success to this file (Prometheus text format); a dry run writes none')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session under this key of the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions with this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key, given whole or by six or more of its first characters')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions in this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions that were granted this scope')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many sessions; those with which nothing is done do not count')
            [CompletionResult]::new('--inactive', '--inactive', [CompletionResultType]::ParameterName, 'Also sign out sessions whose user has been away for this long; at least an hour, and below a day only with --yes')
            [CompletionResult]::new('--max-removed', '--max-removed', [CompletionResultType]::ParameterName, 'Sign out or remove as malformed no more than so many; of more, none [default: 20, or half of what is read, if that is more]')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Requests a second to one server, of all kinds; 0 is no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most so many sessions a second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to try again where a server gives no answer, or the store does not take new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--batch-size', '--batch-size', [CompletionResultType]::ParameterName, 'Pause after so many')
            [CompletionResult]::new('--pause', '--pause', [CompletionResultType]::ParameterName, 'How long to pause after each batch')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('--malformed', '--malformed', [CompletionResultType]::ParameterName, 'Also remove what is provably nobody''s: empty records, and those with neither a refresh token nor a private key; none at all where they are more than half')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Ask no server; of suspect sessions, remove only those beyond 180 days')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;upgrade' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session under this key of the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions with this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key, given whole or by six or more of its first characters')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions in this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions that were granted this scope')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many sessions; those with which nothing is done do not count')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Requests a second to one server, of all kinds; 0 is no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most so many sessions a second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to try again where a server gives no answer, or the store does not take new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--unpublished', '--unpublished', [CompletionResultType]::ParameterName, 'Do not look at the published documents first: for networks that oauthctl cannot see from here')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;recover' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what waits, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what waits, and do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;export' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'File to create (0600), or `-` for stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'File to create (0600), or `-` for stdout')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session under this key of the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions with this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key, given whole or by six or more of its first characters')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions in this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions that were granted this scope')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At most so many sessions; those with which nothing is done do not count')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;import' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--source-app-stopped', '--source-app-stopped', [CompletionResultType]::ParameterName, 'The app of the old store is stopped, and starts again on this store only')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Replace sessions of an earlier move that are provably older')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the sessions in the app''s store')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an account''s sessions (tokens and keys are never shown)')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count sessions by status, issuer, client key, authentication and age')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Keep sessions alive by exchanging their refresh tokens')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'End sessions at the server, and remove their records')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove sessions that have ended, and on request sign out users who have been away')
            [CompletionResult]::new('upgrade', 'upgrade', [CompletionResultType]::ParameterValue, 'Carry sessions begun as a public client over to the confidential client')
            [CompletionResult]::new('recover', 'recover', [CompletionResultType]::ParameterValue, 'Store tokens that an earlier run exchanged and could not store')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write the sessions, tokens and keys included, for `sessions import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Bring exported sessions into this store, without logging anyone out')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;sessions;help;list' {
            break
        }
        'oauthctl;sessions;help;show' {
            break
        }
        'oauthctl;sessions;help;stats' {
            break
        }
        'oauthctl;sessions;help;refresh' {
            break
        }
        'oauthctl;sessions;help;revoke' {
            break
        }
        'oauthctl;sessions;help;prune' {
            break
        }
        'oauthctl;sessions;help;upgrade' {
            break
        }
        'oauthctl;sessions;help;recover' {
            break
        }
        'oauthctl;sessions;help;export' {
            break
        }
        'oauthctl;sessions;help;import' {
            break
        }
        'oauthctl;sessions;help;help' {
            break
        }
        'oauthctl;states' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the logins that were begun and not completed')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Remove logins that were begun and never completed')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;states;list' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;states;purge' {
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Remove states older than this')
            [CompletionResult]::new('--metrics-file', '--metrics-file', [CompletionResultType]::ParameterName, 'Write counts, duration and the time of the last success to this file (Prometheus text format); a dry run writes none')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Say what would be removed, and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be removed, and do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;states;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the logins that were begun and not completed')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Remove logins that were begun and never completed')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;states;help;list' {
            break
        }
        'oauthctl;states;help;purge' {
            break
        }
        'oauthctl;states;help;help' {
            break
        }
        'oauthctl;doctor' {
            [CompletionResult]::new('--login', '--login', [CompletionResultType]::ParameterName, 'Also begin a login, which nobody sees, at this authorization server or that of this PDS or account (repeatable) [default: the two with most sessions, and bsky.social]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Ask nobody but the store')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;completions' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--dynamic', '--dynamic', [CompletionResultType]::ParameterName, 'Print a short script that asks oauthctl at every Tab (bash, zsh, fish)')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;man' {
            [CompletionResult]::new('--output-dir', '--output-dir', [CompletionResultType]::ParameterName, 'Write the pages of all commands into this directory')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml here or above, up to the app''s top directory, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where the app keeps its sessions: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash); env:NAME or file:PATH for an address with a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'How the app lays its store out (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to write results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print what was asked for, warnings and errors only: no summary, nothing by the way')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, step by step, without secrets; twice: every exchange with the store, too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;help' {
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Set oauthctl up for an app: settings, a first key and the documents to publish')
            [CompletionResult]::new('gen-jwk', 'gen-jwk', [CompletionResultType]::ParameterValue, 'Print one ES256 private key for the app to sign with')
            [CompletionResult]::new('keys', 'keys', [CompletionResultType]::ParameterValue, 'Look after the keys that the app signs with')
            [CompletionResult]::new('jwks', 'jwks', [CompletionResultType]::ParameterValue, 'Print the public JWKS document')
            [CompletionResult]::new('metadata', 'metadata', [CompletionResultType]::ParameterValue, 'Print the client metadata document, or check one')
            [CompletionResult]::new('sessions', 'sessions', [CompletionResultType]::ParameterValue, 'Look at and look after the sessions of the app''s users')
            [CompletionResult]::new('states', 'states', [CompletionResultType]::ParameterValue, 'Look at and clean up logins that were begun')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out whether the deployment is right: settings, keys, store, published documents')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write all of them into a directory')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;help;init' {
            break
        }
        'oauthctl;help;gen-jwk' {
            break
        }
        'oauthctl;help;keys' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the keys: which signs, which is published, what depends on each')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Add a new signing key; the old ones stay for the sessions bound to them')
            [CompletionResult]::new('retire', 'retire', [CompletionResultType]::ParameterValue, 'Remove a key that no session and no pending login depends on')
            break
        }
        'oauthctl;help;keys;list' {
            break
        }
        'oauthctl;help;keys;rotate' {
            break
        }
        'oauthctl;help;keys;retire' {
            break
        }
        'oauthctl;help;jwks' {
            break
        }
        'oauthctl;help;metadata' {
            break
        }
        'oauthctl;help;sessions' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the sessions in the app''s store')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an account''s sessions (tokens and keys are never shown)')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count sessions by status, issuer, client key, authentication and age')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Keep sessions alive by exchanging their refresh tokens')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'End sessions at the server, and remove their records')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove sessions that have ended, and on request sign out users who have been away')
            [CompletionResult]::new('upgrade', 'upgrade', [CompletionResultType]::ParameterValue, 'Carry sessions begun as a public client over to the confidential client')
            [CompletionResult]::new('recover', 'recover', [CompletionResultType]::ParameterValue, 'Store tokens that an earlier run exchanged and could not store')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write the sessions, tokens and keys included, for `sessions import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Bring exported sessions into this store, without logging anyone out')
            break
        }
        'oauthctl;help;sessions;list' {
            break
        }
        'oauthctl;help;sessions;show' {
            break
        }
        'oauthctl;help;sessions;stats' {
            break
        }
        'oauthctl;help;sessions;refresh' {
            break
        }
        'oauthctl;help;sessions;revoke' {
            break
        }
        'oauthctl;help;sessions;prune' {
            break
        }
        'oauthctl;help;sessions;upgrade' {
            break
        }
        'oauthctl;help;sessions;recover' {
            break
        }
        'oauthctl;help;sessions;export' {
            break
        }
        'oauthctl;help;sessions;import' {
            break
        }
        'oauthctl;help;states' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the logins that were begun and not completed')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Remove logins that were begun and never completed')
            break
        }
        'oauthctl;help;states;list' {
            break
        }
        'oauthctl;help;states;purge' {
            break
        }
        'oauthctl;help;doctor' {
            break
        }
        'oauthctl;help;completions' {
            break
        }
        'oauthctl;help;man' {
            break
        }
        'oauthctl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
