
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
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Set up oauthctl for an app: settings, first key and documents to publish')
            [CompletionResult]::new('gen-jwk', 'gen-jwk', [CompletionResultType]::ParameterValue, 'Generate or convert an ES256 private key')
            [CompletionResult]::new('keys', 'keys', [CompletionResultType]::ParameterValue, 'Manage the app''s signing keys')
            [CompletionResult]::new('jwks', 'jwks', [CompletionResultType]::ParameterValue, 'Print the public JWKS document, or check one')
            [CompletionResult]::new('metadata', 'metadata', [CompletionResultType]::ParameterValue, 'Print the client metadata document, or check one')
            [CompletionResult]::new('sessions', 'sessions', [CompletionResultType]::ParameterValue, 'List, refresh, revoke and move user sessions')
            [CompletionResult]::new('states', 'states', [CompletionResultType]::ParameterValue, 'List and clean up unfinished logins')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check the whole deployment: settings, keys, store and published documents')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of an output or of oauthctl.toml')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the man page, or write all man pages to a directory')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;init' {
            [CompletionResult]::new('--client-uri', '--client-uri', [CompletionResultType]::ParameterName, 'Home page of the app')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'URL of the client metadata document [default: the URL at which the app serves it]')
            [CompletionResult]::new('--client-name', '--client-name', [CompletionResultType]::ParameterName, 'Name of the app, as users see it [default: from package.json, or the directory''s]')
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'Callback of the app: a URL, or a path below the client URI (repeatable)')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'OAuth scope that the app may request [default: atproto, which identifies users]')
            [CompletionResult]::new('--metadata-file', '--metadata-file', [CompletionResultType]::ParameterName, 'File for the client metadata document [default: public/oauth-client-metadata.json, if the directory public/ exists]')
            [CompletionResult]::new('--jwks-file', '--jwks-file', [CompletionResultType]::ParameterName, 'File for the public keys [default: public/.well-known/jwks.json, if the directory public/ exists]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--public', '--public', [CompletionResultType]::ParameterName, 'Set up a public client, which has no key')
            [CompletionResult]::new('--new-key', '--new-key', [CompletionResultType]::ParameterName, 'Create a new key even if a variable for the app''s key has an unreadable value')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show the files that would be written, but do not write them')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the files that would be written, but do not write them')
            [CompletionResult]::new('--sql', '--sql', [CompletionResultType]::ParameterName, 'Print SQL to prepare a PostgreSQL database: a schema for notes, and the rights of the role in its address')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Do not read the store to find its layout and the keys that sessions need')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;gen-jwk' {
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Key ID: `thumbprint` (RFC 7638), `timestamp` (epoch milliseconds) or any text [default: thumbprint]')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of the key')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Print a NAME=''…'' line for a shell or dotenv file; with --output, add the line to the file')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Convert this key instead of generating one (a source as in --keys)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;keys' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the keys, their state, and how many sessions depend on each')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Add a new signing key, and keep the old ones for their sessions')
            [CompletionResult]::new('retire', 'retire', [CompletionResultType]::ParameterValue, 'Remove a key that no session or pending login depends on')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;keys;list' {
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Show these columns, named as in the header or as a JSON field')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort the table by this column, or with - in front from the greatest')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave the header out')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;keys;rotate' {
            [CompletionResult]::new('--activate-in', '--activate-in', [CompletionResultType]::ParameterName, 'Time until the new key starts to sign')
            [CompletionResult]::new('--promote', '--promote', [CompletionResultType]::ParameterName, 'Move a staged key to the front, if it has been published for 10 minutes')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Key ID of the new key [default: its thumbprint]')
            [CompletionResult]::new('--new-env', '--new-env', [CompletionResultType]::ParameterName, 'Variable for the new key, if each key has its own variable')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'File for the new key, if each key has its own file; for variables, a file for the new assignment')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'File for the new key, if each key has its own file; for variables, a file for the new assignment')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--stage', '--stage', [CompletionResultType]::ParameterName, 'Put the new key behind the active one: published, but not signing')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'With --promote: wait until servers know the key')
            [CompletionResult]::new('--unpublished', '--unpublished', [CompletionResultType]::ParameterName, 'With --promote: do not check the published key set')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;keys;retire' {
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Maximum sessions per second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to retry if a server does not answer or the store does not accept new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--unused', '--unused', [CompletionResultType]::ParameterName, 'Retire the key even if the store cannot show that it is unused, because the store is empty or has unreadable records')
            [CompletionResult]::new('--ignore-malformed', '--ignore-malformed', [CompletionResultType]::ParameterName, 'ignore-malformed')
            [CompletionResult]::new('--revoke-sessions', '--revoke-sessions', [CompletionResultType]::ParameterName, 'First revoke the sessions that are bound to the key')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Also remove the records of sessions whose end could not be verified; they may still be alive at their server')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;keys;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the keys, their state, and how many sessions depend on each')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Add a new signing key, and keep the old ones for their sessions')
            [CompletionResult]::new('retire', 'retire', [CompletionResultType]::ParameterValue, 'Remove a key that no session or pending login depends on')
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
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check this set instead, and list all errors; `-` is stdin')
            [CompletionResult]::new('--drop-key', '--drop-key', [CompletionResultType]::ParameterName, 'Leave out this key, even if the replaced file contains it or records are bound to it (repeatable)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Do not read the store to find sessions that need other keys')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
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
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'Callback of the app: a URL, or a path below the client URI (repeatable)')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'OAuth scope that the app may request [default: atproto, which identifies users]')
            [CompletionResult]::new('--jwks-uri', '--jwks-uri', [CompletionResultType]::ParameterName, 'URL of the public keys [default: /.well-known/jwks.json at the client URI]')
            [CompletionResult]::new('--jwks', '--jwks', [CompletionResultType]::ParameterName, 'Place of the public keys: a URL of their own, or the document [default: uri]')
            [CompletionResult]::new('--loopback', '--loopback', [CompletionResultType]::ParameterName, 'Describe a development client that listens on this port of 127.0.0.1 [default: 3000]')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check this document instead, and list all errors; `-` is stdin. --client-id is the URL at which it is published')
            [CompletionResult]::new('--drop-key', '--drop-key', [CompletionResultType]::ParameterName, 'Leave out this key, even if the replaced file contains it or records are bound to it (repeatable)')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; `-` is stdout')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--public', '--public', [CompletionResultType]::ParameterName, 'Describe a public client, even if keys are configured')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Do not read the store to find sessions that need other keys')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the sessions in the app''s store')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the sessions of an account, without tokens and keys')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count sessions by status, issuer, client key, authentication and age')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Refresh sessions to keep them alive')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'End sessions at their servers, verify it, and delete their records')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove ended sessions, and optionally sign out inactive users')
            [CompletionResult]::new('upgrade', 'upgrade', [CompletionResultType]::ParameterValue, 'Convert sessions of a public client to the confidential client')
            [CompletionResult]::new('recover', 'recover', [CompletionResultType]::ParameterValue, 'Store new tokens that an earlier run could not store')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Export sessions, including tokens and keys, for `sessions import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Import exported sessions into this store without logging anyone out')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;sessions;list' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session with this key in the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions at this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key (the full key ID, or its first six or more characters)')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication method')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions with this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record')
            [CompletionResult]::new('--missing-scope', '--missing-scope', [CompletionResultType]::ParameterName, 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N sessions (skipped sessions do not count)')
            [CompletionResult]::new('--inactive', '--inactive', [CompletionResultType]::ParameterName, 'Sessions that their user has not used for this long, as `sessions prune --inactive` would sign out')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Show these columns, named as in the header or as a JSON field')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort the table by this column, or with - in front from the greatest')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--wide', '--wide', [CompletionResultType]::ParameterName, 'Show full key IDs, timestamps and the expiry of access tokens; other formats always contain every field')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave the header out')
            [CompletionResult]::new('--handles', '--handles', [CompletionResultType]::ParameterName, 'Show the handles of accounts, looked up and verified, of at most 100; `handle.invalid` is one that does not lead back to its account')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;show' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;stats' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session with this key in the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions at this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key (the full key ID, or its first six or more characters)')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication method')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions with this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record')
            [CompletionResult]::new('--missing-scope', '--missing-scope', [CompletionResultType]::ParameterName, 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N sessions (skipped sessions do not count)')
            [CompletionResult]::new('--inactive', '--inactive', [CompletionResultType]::ParameterName, 'Sessions that their user has not used for this long, as `sessions prune --inactive` would sign out')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;refresh' {
            [CompletionResult]::new('--metrics-file', '--metrics-file', [CompletionResultType]::ParameterName, 'Write counts, duration and time of the last success to this file (Prometheus text format); not in a dry run')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session with this key in the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions at this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key (the full key ID, or its first six or more characters)')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication method')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions with this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record')
            [CompletionResult]::new('--missing-scope', '--missing-scope', [CompletionResultType]::ParameterName, 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N sessions (skipped sessions do not count)')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Maximum sessions per second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to retry if a server does not answer or the store does not accept new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be refreshed, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be refreshed, but do nothing')
            [CompletionResult]::new('--due', '--due', [CompletionResultType]::ParameterName, 'Due sessions (default)')
            [CompletionResult]::new('--expired', '--expired', [CompletionResultType]::ParameterName, 'Sessions whose access token has expired')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All sessions')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;revoke' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session with this key in the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions at this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key (the full key ID, or its first six or more characters)')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication method')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions with this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record')
            [CompletionResult]::new('--missing-scope', '--missing-scope', [CompletionResultType]::ParameterName, 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N sessions (skipped sessions do not count)')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Maximum sessions per second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to retry if a server does not answer or the store does not accept new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Delete the record even if the session may still be alive at its server; malformed and foreign records are kept')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be revoked, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be revoked, but do nothing')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All sessions')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;prune' {
            [CompletionResult]::new('--metrics-file', '--metrics-file', [CompletionResultType]::ParameterName, 'Write counts, duration and time of the last success to this file (Prometheus text format); not in a dry run')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session with this key in the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions at this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key (the full key ID, or its first six or more characters)')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication method')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions with this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record')
            [CompletionResult]::new('--missing-scope', '--missing-scope', [CompletionResultType]::ParameterName, 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N sessions (skipped sessions do not count)')
            [CompletionResult]::new('--inactive', '--inactive', [CompletionResultType]::ParameterName, 'Also sign out users who have not used their session for this long; at least an hour, and less than a day only with --yes')
            [CompletionResult]::new('--max-removed', '--max-removed', [CompletionResultType]::ParameterName, 'If more sessions than this would be signed out or removed as malformed, do neither [default: 20, or half of all records if that is more]')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Maximum sessions per second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to retry if a server does not answer or the store does not accept new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--batch-size', '--batch-size', [CompletionResultType]::ParameterName, 'Pause after every N sessions')
            [CompletionResult]::new('--pause', '--pause', [CompletionResultType]::ParameterName, 'Length of the pause after each batch')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('--malformed', '--malformed', [CompletionResultType]::ParameterName, 'Also remove malformed records: empty ones, and those with neither a refresh token nor a private key; none if they are more than half of all records')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Do not ask servers; remove suspect sessions only if they are older than 180 days')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;upgrade' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session with this key in the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions at this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key (the full key ID, or its first six or more characters)')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication method')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions with this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record')
            [CompletionResult]::new('--missing-scope', '--missing-scope', [CompletionResultType]::ParameterName, 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N sessions (skipped sessions do not count)')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer', '--per-issuer', [CompletionResultType]::ParameterName, 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]')
            [CompletionResult]::new('--per-issuer-rate', '--per-issuer-rate', [CompletionResultType]::ParameterName, 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Maximum sessions per second')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long to retry if a server does not answer or the store does not accept new tokens')
            [CompletionResult]::new('--lock-timeout', '--lock-timeout', [CompletionResultType]::ParameterName, 'How long to wait for a session''s lock')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--unpublished', '--unpublished', [CompletionResultType]::ParameterName, 'Do not check the published documents first, if they cannot be reached from here')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;recover' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show the waiting tokens, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the waiting tokens, but do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;export' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'File to create (0600), or `-` for stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'File to create (0600), or `-` for stdout')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The session with this key in the store (repeatable)')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Sessions at this authorization server')
            [CompletionResult]::new('--kid', '--kid', [CompletionResultType]::ParameterName, 'Sessions bound to this client key (the full key ID, or its first six or more characters)')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sessions with this client authentication method')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Sessions with this status (repeatable)')
            [CompletionResult]::new('--not-refreshed-for', '--not-refreshed-for', [CompletionResultType]::ParameterName, 'Sessions last refreshed longer ago than this')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record')
            [CompletionResult]::new('--missing-scope', '--missing-scope', [CompletionResultType]::ParameterName, 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Stop after N sessions (skipped sessions do not count)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file if it exists')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;import' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--source-app-stopped', '--source-app-stopped', [CompletionResultType]::ParameterName, 'Confirm that the app of the old store is stopped, and will start on this store only')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Replace existing sessions that are provably older')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be done, but do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;sessions;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the sessions in the app''s store')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the sessions of an account, without tokens and keys')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count sessions by status, issuer, client key, authentication and age')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Refresh sessions to keep them alive')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'End sessions at their servers, verify it, and delete their records')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove ended sessions, and optionally sign out inactive users')
            [CompletionResult]::new('upgrade', 'upgrade', [CompletionResultType]::ParameterValue, 'Convert sessions of a public client to the confidential client')
            [CompletionResult]::new('recover', 'recover', [CompletionResultType]::ParameterValue, 'Store new tokens that an earlier run could not store')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Export sessions, including tokens and keys, for `sessions import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Import exported sessions into this store without logging anyone out')
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
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List unfinished logins')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Remove unfinished logins')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'oauthctl;states;list' {
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Show these columns, named as in the header or as a JSON field')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Sort the table by this column, or with - in front from the greatest')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'Leave the header out')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;states;purge' {
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Remove pending logins older than this')
            [CompletionResult]::new('--metrics-file', '--metrics-file', [CompletionResultType]::ParameterName, 'Write counts, duration and time of the last success to this file (Prometheus text format); not in a dry run')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show what would be removed, but do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would be removed, but do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;states;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List unfinished logins')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Remove unfinished logins')
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
            [CompletionResult]::new('--login', '--login', [CompletionResultType]::ParameterName, 'Also start a login at this authorization server, or at that of this PDS or account (repeatable) [default: the two with most sessions, and bsky.social]')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait until the published documents match the settings, at most this long')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Check only what needs no servers but the store')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;schema' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;completions' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--dynamic', '--dynamic', [CompletionResultType]::ParameterName, 'Print a short script that calls oauthctl at every Tab (bash, zsh, fish)')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;man' {
            [CompletionResult]::new('--output-dir', '--output-dir', [CompletionResultType]::ParameterName, 'Write the man pages of all commands to this directory')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)')
            [CompletionResult]::new('--layout', '--layout', [CompletionResultType]::ParameterName, 'Layout of the app''s records in the store (also: OAUTHCTL_LAYOUT)')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format of results')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to all questions')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only results, warnings and errors; no summaries or progress')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each step to stderr, without secrets; -vv also prints exchanges with the store')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'oauthctl;help' {
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Set up oauthctl for an app: settings, first key and documents to publish')
            [CompletionResult]::new('gen-jwk', 'gen-jwk', [CompletionResultType]::ParameterValue, 'Generate or convert an ES256 private key')
            [CompletionResult]::new('keys', 'keys', [CompletionResultType]::ParameterValue, 'Manage the app''s signing keys')
            [CompletionResult]::new('jwks', 'jwks', [CompletionResultType]::ParameterValue, 'Print the public JWKS document, or check one')
            [CompletionResult]::new('metadata', 'metadata', [CompletionResultType]::ParameterValue, 'Print the client metadata document, or check one')
            [CompletionResult]::new('sessions', 'sessions', [CompletionResultType]::ParameterValue, 'List, refresh, revoke and move user sessions')
            [CompletionResult]::new('states', 'states', [CompletionResultType]::ParameterValue, 'List and clean up unfinished logins')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check the whole deployment: settings, keys, store and published documents')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of an output or of oauthctl.toml')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the man page, or write all man pages to a directory')
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
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the keys, their state, and how many sessions depend on each')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Add a new signing key, and keep the old ones for their sessions')
            [CompletionResult]::new('retire', 'retire', [CompletionResultType]::ParameterValue, 'Remove a key that no session or pending login depends on')
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
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the sessions of an account, without tokens and keys')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count sessions by status, issuer, client key, authentication and age')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Refresh sessions to keep them alive')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'End sessions at their servers, verify it, and delete their records')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Remove ended sessions, and optionally sign out inactive users')
            [CompletionResult]::new('upgrade', 'upgrade', [CompletionResultType]::ParameterValue, 'Convert sessions of a public client to the confidential client')
            [CompletionResult]::new('recover', 'recover', [CompletionResultType]::ParameterValue, 'Store new tokens that an earlier run could not store')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Export sessions, including tokens and keys, for `sessions import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Import exported sessions into this store without logging anyone out')
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
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List unfinished logins')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Remove unfinished logins')
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
        'oauthctl;help;schema' {
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
