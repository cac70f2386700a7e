# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_oauthctl_global_optspecs
    string join \n config= profile= store= layout= keys= format= color= y/yes q/quiet v/verbose h/help V/version
end

function __fish_oauthctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_oauthctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_oauthctl_using_subcommand
    set -l cmd (__fish_oauthctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c oauthctl -n "__fish_oauthctl_needs_command" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "init" -d 'Set up oauthctl for an app: settings, first key and documents to publish'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "gen-jwk" -d 'Generate or convert an ES256 private key'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "keys" -d 'Manage the app\'s signing keys'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "jwks" -d 'Print the public JWKS document, or check one'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "metadata" -d 'Print the client metadata document, or check one'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "sessions" -d 'List, refresh, revoke and move user sessions'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "states" -d 'List and clean up unfinished logins'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "doctor" -d 'Check the whole deployment: settings, keys, store and published documents'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "schema" -d 'Print the JSON Schema of an output or of oauthctl.toml'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "completions" -d 'Print a shell completion script'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "man" -d 'Print the man page, or write all man pages to a directory'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l client-uri -d 'Home page of the app' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l client-id -d 'URL of the client metadata document [default: the URL at which the app serves it]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l client-name -d 'Name of the app, as users see it [default: from package.json, or the directory\'s]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l redirect-uri -d 'Callback of the app: a URL, or a path below the client URI (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l scope -d 'OAuth scope that the app may request [default: atproto, which identifies users]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l metadata-file -d 'File for the client metadata document [default: public/oauth-client-metadata.json, if the directory public/ exists]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l jwks-file -d 'File for the public keys [default: public/.well-known/jwks.json, if the directory public/ exists]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l public -d 'Set up a public client, which has no key'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l new-key -d 'Create a new key even if a variable for the app\'s key has an unreadable value'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -s n -l dry-run -d 'Show the files that would be written, but do not write them'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l sql -d 'Print SQL to prepare a PostgreSQL database: a schema for notes, and the rights of the role in its address'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -l offline -d 'Do not read the store to find its layout and the keys that sessions need'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand init" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l kid -d 'Key ID: `thumbprint` (RFC 7638), `timestamp` (epoch milliseconds) or any text [default: thumbprint]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l encoding -d 'Encoding of the key' -r -f -a "jwk\t'A JWK on one line'
jwks\t'A JWK set on one line'
pem\t'PKCS#8 in PEM, without the kid'
pem-base64\t'Base64 of the PEM on one line, without the kid'
multibase\t'A multibase P-256 key, without the kid'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l env -d 'Print a NAME=\'…\' line for a shell or dotenv file; with --output, add the line to the file' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l from -d 'Convert this key instead of generating one (a source as in --keys)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -s o -l output -d 'Write to this file instead of stdout; `-` is stdout' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -l force -d 'Replace the file if it exists'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand gen-jwk" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -f -a "list" -d 'List the keys, their state, and how many sessions depend on each'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -f -a "rotate" -d 'Add a new signing key, and keep the old ones for their sessions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -f -a "retire" -d 'Remove a key that no session or pending login depends on'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l columns -d 'Show these columns, named as in the header or as a JSON field' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l sort -d 'Sort the table by this column, or with - in front from the greatest' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -l no-header -d 'Leave the header out'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l activate-in -d 'Time until the new key starts to sign' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l promote -d 'Move a staged key to the front, if it has been published for 10 minutes' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l kid -d 'Key ID of the new key [default: its thumbprint]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l new-env -d 'Variable for the new key, if each key has its own variable' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s o -l output -d 'File for the new key, if each key has its own file; for variables, a file for the new assignment' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l stage -d 'Put the new key behind the active one: published, but not signing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l wait -d 'With --promote: wait until servers know the key'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l unpublished -d 'With --promote: do not check the published key set'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s n -l dry-run -d 'Show what would be done, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l concurrency -d 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l per-issuer -d 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l per-issuer-rate -d 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l rate -d 'Maximum sessions per second' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l retry-for -d 'How long to retry if a server does not answer or the store does not accept new tokens' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l lock-timeout -d 'How long to wait for a session\'s lock' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l unused -d 'Retire the key even if the store cannot show that it is unused, because the store is empty or has unreadable records'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l ignore-malformed
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l revoke-sessions -d 'First revoke the sessions that are bound to the key'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -l forget -d 'Also remove the records of sessions whose end could not be verified; they may still be alive at their server'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -s n -l dry-run -d 'Show what would be done, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from retire" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the keys, their state, and how many sessions depend on each'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Add a new signing key, and keep the old ones for their sessions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "retire" -d 'Remove a key that no session or pending login depends on'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l check -d 'Check this set instead, and list all errors; `-` is stdin' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l drop-key -d 'Leave out this key, even if the replaced file contains it or records are bound to it (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -s o -l output -d 'Write to this file instead of stdout; `-` is stdout' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l offline -d 'Do not read the store to find sessions that need other keys'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -l force -d 'Replace the file if it exists'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand jwks" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l client-id -d 'URL of the document [default: /oauth-client-metadata.json at the client URI]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l client-uri -d 'Home page of the app' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l client-name -d 'Name of the app, as users see it' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l redirect-uri -d 'Callback of the app: a URL, or a path below the client URI (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l scope -d 'OAuth scope that the app may request [default: atproto, which identifies users]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l jwks-uri -d 'URL of the public keys [default: /.well-known/jwks.json at the client URI]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l jwks -d 'Place of the public keys: a URL of their own, or the document [default: uri]' -r -f -a "uri\t'At `jwks_uri`'
inline\t'In the document'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l loopback -d 'Describe a development client that listens on this port of 127.0.0.1 [default: 3000]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l check -d 'Check this document instead, and list all errors; `-` is stdin. --client-id is the URL at which it is published' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l drop-key -d 'Leave out this key, even if the replaced file contains it or records are bound to it (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -s o -l output -d 'Write to this file instead of stdout; `-` is stdout' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l public -d 'Describe a public client, even if keys are configured'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l offline -d 'Do not read the store to find sessions that need other keys'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -l force -d 'Replace the file if it exists'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand metadata" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "list" -d 'List the sessions in the app\'s store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "show" -d 'Show the sessions of an account, without tokens and keys'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "stats" -d 'Count sessions by status, issuer, client key, authentication and age'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "refresh" -d 'Refresh sessions to keep them alive'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "revoke" -d 'End sessions at their servers, verify it, and delete their records'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "prune" -d 'Remove ended sessions, and optionally sign out inactive users'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "upgrade" -d 'Convert sessions of a public client to the confidential client'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "recover" -d 'Store new tokens that an earlier run could not store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "export" -d 'Export sessions, including tokens and keys, for `sessions import`'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "import" -d 'Import exported sessions into this store without logging anyone out'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and not __fish_seen_subcommand_from list show stats refresh revoke prune upgrade recover export import help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l key -d 'The session with this key in the store (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l issuer -d 'Sessions at this authorization server' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l kid -d 'Sessions bound to this client key (the full key ID, or its first six or more characters)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l auth -d 'Sessions with this client authentication method' -r -f -a "none\t''
private_key_jwt\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l status -d 'Sessions with this status (repeatable)' -r -f -a "fresh\t''
idle\t''
due\t''
suspect\t''
blocked\t''
dead\t''
malformed\t''
foreign\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l not-refreshed-for -d 'Sessions last refreshed longer ago than this' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l scope -d 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l missing-scope -d 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l limit -d 'Stop after N sessions (skipped sessions do not count)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l inactive -d 'Sessions that their user has not used for this long, as `sessions prune --inactive` would sign out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l columns -d 'Show these columns, named as in the header or as a JSON field' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l sort -d 'Sort the table by this column, or with - in front from the greatest' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l wide -d 'Show full key IDs, timestamps and the expiry of access tokens; other formats always contain every field'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l no-header -d 'Leave the header out'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -l handles -d 'Show the handles of accounts, looked up and verified, of at most 100; `handle.invalid` is one that does not lead back to its account'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l key -d 'The session with this key in the store (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l issuer -d 'Sessions at this authorization server' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l kid -d 'Sessions bound to this client key (the full key ID, or its first six or more characters)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l auth -d 'Sessions with this client authentication method' -r -f -a "none\t''
private_key_jwt\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l status -d 'Sessions with this status (repeatable)' -r -f -a "fresh\t''
idle\t''
due\t''
suspect\t''
blocked\t''
dead\t''
malformed\t''
foreign\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l not-refreshed-for -d 'Sessions last refreshed longer ago than this' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l scope -d 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l missing-scope -d 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l limit -d 'Stop after N sessions (skipped sessions do not count)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l inactive -d 'Sessions that their user has not used for this long, as `sessions prune --inactive` would sign out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from stats" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l metrics-file -d 'Write counts, duration and time of the last success to this file (Prometheus text format); not in a dry run' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l key -d 'The session with this key in the store (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l issuer -d 'Sessions at this authorization server' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l kid -d 'Sessions bound to this client key (the full key ID, or its first six or more characters)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l auth -d 'Sessions with this client authentication method' -r -f -a "none\t''
private_key_jwt\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l status -d 'Sessions with this status (repeatable)' -r -f -a "fresh\t''
idle\t''
due\t''
suspect\t''
blocked\t''
dead\t''
malformed\t''
foreign\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l not-refreshed-for -d 'Sessions last refreshed longer ago than this' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l scope -d 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l missing-scope -d 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l limit -d 'Stop after N sessions (skipped sessions do not count)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l concurrency -d 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l per-issuer -d 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l per-issuer-rate -d 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l rate -d 'Maximum sessions per second' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l retry-for -d 'How long to retry if a server does not answer or the store does not accept new tokens' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l lock-timeout -d 'How long to wait for a session\'s lock' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -s n -l dry-run -d 'Show what would be refreshed, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l due -d 'Due sessions (default)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l expired -d 'Sessions whose access token has expired'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -l all -d 'All sessions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from refresh" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l key -d 'The session with this key in the store (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l issuer -d 'Sessions at this authorization server' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l kid -d 'Sessions bound to this client key (the full key ID, or its first six or more characters)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l auth -d 'Sessions with this client authentication method' -r -f -a "none\t''
private_key_jwt\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l status -d 'Sessions with this status (repeatable)' -r -f -a "fresh\t''
idle\t''
due\t''
suspect\t''
blocked\t''
dead\t''
malformed\t''
foreign\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l not-refreshed-for -d 'Sessions last refreshed longer ago than this' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l scope -d 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l missing-scope -d 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l limit -d 'Stop after N sessions (skipped sessions do not count)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l concurrency -d 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l per-issuer -d 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l per-issuer-rate -d 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l rate -d 'Maximum sessions per second' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l retry-for -d 'How long to retry if a server does not answer or the store does not accept new tokens' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l lock-timeout -d 'How long to wait for a session\'s lock' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l forget -d 'Delete the record even if the session may still be alive at its server; malformed and foreign records are kept'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -s n -l dry-run -d 'Show what would be revoked, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -l all -d 'All sessions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from revoke" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l metrics-file -d 'Write counts, duration and time of the last success to this file (Prometheus text format); not in a dry run' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l key -d 'The session with this key in the store (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l issuer -d 'Sessions at this authorization server' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l kid -d 'Sessions bound to this client key (the full key ID, or its first six or more characters)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l auth -d 'Sessions with this client authentication method' -r -f -a "none\t''
private_key_jwt\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l status -d 'Sessions with this status (repeatable)' -r -f -a "fresh\t''
idle\t''
due\t''
suspect\t''
blocked\t''
dead\t''
malformed\t''
foreign\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l not-refreshed-for -d 'Sessions last refreshed longer ago than this' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l scope -d 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l missing-scope -d 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l limit -d 'Stop after N sessions (skipped sessions do not count)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l inactive -d 'Also sign out users who have not used their session for this long; at least an hour, and less than a day only with --yes' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l max-removed -d 'If more sessions than this would be signed out or removed as malformed, do neither [default: 20, or half of all records if that is more]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l concurrency -d 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l per-issuer -d 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l per-issuer-rate -d 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l rate -d 'Maximum sessions per second' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l retry-for -d 'How long to retry if a server does not answer or the store does not accept new tokens' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l lock-timeout -d 'How long to wait for a session\'s lock' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l batch-size -d 'Pause after every N sessions' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l pause -d 'Length of the pause after each batch' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -s n -l dry-run -d 'Show what would be done, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l malformed -d 'Also remove malformed records: empty ones, and those with neither a refresh token nor a private key; none if they are more than half of all records'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -l offline -d 'Do not ask servers; remove suspect sessions only if they are older than 180 days'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from prune" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l key -d 'The session with this key in the store (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l issuer -d 'Sessions at this authorization server' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l kid -d 'Sessions bound to this client key (the full key ID, or its first six or more characters)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l auth -d 'Sessions with this client authentication method' -r -f -a "none\t''
private_key_jwt\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l status -d 'Sessions with this status (repeatable)' -r -f -a "fresh\t''
idle\t''
due\t''
suspect\t''
blocked\t''
dead\t''
malformed\t''
foreign\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l not-refreshed-for -d 'Sessions last refreshed longer ago than this' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l scope -d 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l missing-scope -d 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l limit -d 'Stop after N sessions (skipped sessions do not count)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l concurrency -d 'Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l per-issuer -d 'Maximum in parallel per authorization server [default: 4, or `per_issuer` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l per-issuer-rate -d 'Maximum requests per second and server; 0: no limit [default: 5 on the public network, or `per_issuer_rate` in oauthctl.toml]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l rate -d 'Maximum sessions per second' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l retry-for -d 'How long to retry if a server does not answer or the store does not accept new tokens' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l lock-timeout -d 'How long to wait for a session\'s lock' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -l unpublished -d 'Do not check the published documents first, if they cannot be reached from here'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -s n -l dry-run -d 'Show what would be done, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from upgrade" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -s n -l dry-run -d 'Show the waiting tokens, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from recover" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -s o -l output -d 'File to create (0600), or `-` for stdout' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l key -d 'The session with this key in the store (repeatable)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l issuer -d 'Sessions at this authorization server' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l kid -d 'Sessions bound to this client key (the full key ID, or its first six or more characters)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l auth -d 'Sessions with this client authentication method' -r -f -a "none\t''
private_key_jwt\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l status -d 'Sessions with this status (repeatable)' -r -f -a "fresh\t''
idle\t''
due\t''
suspect\t''
blocked\t''
dead\t''
malformed\t''
foreign\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l not-refreshed-for -d 'Sessions last refreshed longer ago than this' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l scope -d 'Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l missing-scope -d 'Sessions without this scope and wider ones, for example after the app began to request it (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give the scope are left out' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l limit -d 'Stop after N sessions (skipped sessions do not count)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -l force -d 'Replace the file if it exists'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l source-app-stopped -d 'Confirm that the app of the old store is stopped, and will start on this store only'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -l replace -d 'Replace existing sessions that are provably older'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -s n -l dry-run -d 'Show what would be done, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from import" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the sessions in the app\'s store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the sessions of an account, without tokens and keys'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "stats" -d 'Count sessions by status, issuer, client key, authentication and age'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "refresh" -d 'Refresh sessions to keep them alive'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'End sessions at their servers, verify it, and delete their records'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove ended sessions, and optionally sign out inactive users'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "upgrade" -d 'Convert sessions of a public client to the confidential client'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "recover" -d 'Store new tokens that an earlier run could not store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "export" -d 'Export sessions, including tokens and keys, for `sessions import`'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "import" -d 'Import exported sessions into this store without logging anyone out'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -f -a "list" -d 'List unfinished logins'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -f -a "purge" -d 'Remove unfinished logins'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and not __fish_seen_subcommand_from list purge help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l columns -d 'Show these columns, named as in the header or as a JSON field' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l sort -d 'Sort the table by this column, or with - in front from the greatest' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -l no-header -d 'Leave the header out'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l older-than -d 'Remove pending logins older than this' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l metrics-file -d 'Write counts, duration and time of the last success to this file (Prometheus text format); not in a dry run' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -s n -l dry-run -d 'Show what would be removed, but do nothing'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from purge" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from help" -f -a "list" -d 'List unfinished logins'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from help" -f -a "purge" -d 'Remove unfinished logins'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand states; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l login -d 'Also start a login at this authorization server, or at that of this PDS or account (repeatable) [default: the two with most sessions, and bsky.social]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l wait -d 'Wait until the published documents match the settings, at most this long' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l offline -d 'Check only what needs no servers but the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand schema" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l dynamic -d 'Print a short script that calls oauthctl at every Tab (bash, zsh, fish)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l output-dir -d 'Write the man pages of all commands to this directory' -r -f -a "(__fish_complete_directories)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l config -d 'Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l profile -d 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l store -d 'Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l layout -d 'Layout of the app\'s records in the store (also: OAUTHCTL_LAYOUT)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l keys -d 'Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID for a key without a kid (repeatable; also: OAUTHCTL_KEYS)' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l format -d 'Output format of results' -r -f -a "table\t'Aligned columns for people'
json\t'A single JSON document'
jsonl\t'A JSON object per line'
csv\t'Comma-separated values with a header (RFC 4180)'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l color -d 'When to use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s y -l yes -d 'Answer yes to all questions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s q -l quiet -d 'Print only results, warnings and errors; no summaries or progress'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s v -l verbose -d 'Print each step to stderr, without secrets; -vv also prints exchanges with the store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "init" -d 'Set up oauthctl for an app: settings, first key and documents to publish'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "gen-jwk" -d 'Generate or convert an ES256 private key'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "keys" -d 'Manage the app\'s signing keys'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "jwks" -d 'Print the public JWKS document, or check one'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "metadata" -d 'Print the client metadata document, or check one'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "sessions" -d 'List, refresh, revoke and move user sessions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "states" -d 'List and clean up unfinished logins'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "doctor" -d 'Check the whole deployment: settings, keys, store and published documents'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "schema" -d 'Print the JSON Schema of an output or of oauthctl.toml'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "completions" -d 'Print a shell completion script'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "man" -d 'Print the man page, or write all man pages to a directory'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and not __fish_seen_subcommand_from init gen-jwk keys jwks metadata sessions states doctor schema completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "list" -d 'List the keys, their state, and how many sessions depend on each'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "rotate" -d 'Add a new signing key, and keep the old ones for their sessions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "retire" -d 'Remove a key that no session or pending login depends on'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "list" -d 'List the sessions in the app\'s store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "show" -d 'Show the sessions of an account, without tokens and keys'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "stats" -d 'Count sessions by status, issuer, client key, authentication and age'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "refresh" -d 'Refresh sessions to keep them alive'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "revoke" -d 'End sessions at their servers, verify it, and delete their records'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "prune" -d 'Remove ended sessions, and optionally sign out inactive users'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "upgrade" -d 'Convert sessions of a public client to the confidential client'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "recover" -d 'Store new tokens that an earlier run could not store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "export" -d 'Export sessions, including tokens and keys, for `sessions import`'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "import" -d 'Import exported sessions into this store without logging anyone out'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from states" -f -a "list" -d 'List unfinished logins'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help; and __fish_seen_subcommand_from states" -f -a "purge" -d 'Remove unfinished logins'
