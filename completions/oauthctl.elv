
use builtin;
use str;

set edit:completion:arg-completer[oauthctl] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'oauthctl'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'oauthctl'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand init 'Set oauthctl up for an app: settings, a first key and the documents to publish'
            cand gen-jwk 'Print one ES256 private key for the app to sign with'
            cand keys 'Look after the keys that the app signs with'
            cand jwks 'Print the public JWKS document'
            cand metadata 'Print the client metadata document, or check one'
            cand sessions 'Look at and look after the sessions of the app''s users'
            cand states 'Look at and clean up logins that were begun'
            cand doctor 'Find out whether the deployment is right: settings, keys, store, published documents'
            cand completions 'Print a completion script for a shell'
            cand man 'Print the manual page, or write all of them into a directory'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'oauthctl;init'= {
            cand --client-uri 'Home page of the app'
            cand --client-id 'URL of the client metadata document [default: where the app serves it]'
            cand --client-name 'Name of the app, as users see it [default: from package.json, or the directory''s]'
            cand --redirect-uri 'The app''s callback: a URL, or a path at the client URI (repeatable)'
            cand --scope 'The most that the app may ask users for [default: atproto, which is who they are]'
            cand --metadata-file 'Where the client metadata document goes [default: public/oauth-client-metadata.json, where there is a public/]'
            cand --jwks-file 'Where the public keys go [default: public/.well-known/jwks.json, where there is a public/]'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --public 'Set up a public client, which has no key'
            cand -n 'Show what would be written, and write nothing'
            cand --dry-run 'Show what would be written, and write nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;gen-jwk'= {
            cand --kid 'Name of the key: `thumbprint` (RFC 7638), `timestamp` (epoch milliseconds) or any text [default: thumbprint]'
            cand --encoding 'How to write the key'
            cand --env 'Print a NAME=''…'' line for a shell or a dotenv file'
            cand --from 'Convert this key instead of generating one; a key source like those of --keys'
            cand -o 'Write to this file instead of stdout; `-` is stdout'
            cand --output 'Write to this file instead of stdout; `-` is stdout'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --force 'Replace the file if it exists'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;keys'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand list 'List the keys: which signs, which is published, what depends on each'
            cand rotate 'Add a new signing key; the old ones stay for the sessions bound to them'
            cand retire 'Remove a key that no session and no pending login depends on'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'oauthctl;keys;list'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;keys;rotate'= {
            cand --activate-in 'When the new key begins to sign'
            cand --promote 'Let a staged key sign, once the published key set has held it for 10 minutes'
            cand --kid 'Name of the new key [default: its thumbprint]'
            cand --new-env 'Variable for the new key, where the old one has a variable to itself'
            cand -o 'Where the new key goes, where the old one has a file to itself; for variables, a file for the new assignment'
            cand --output 'Where the new key goes, where the old one has a file to itself; for variables, a file for the new assignment'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --stage 'Put the new key behind the active one, published but not signing'
            cand --wait 'With --promote: wait until servers know the key'
            cand --force 'With --promote: do not look at what is published'
            cand -n 'Say what would be done, and do nothing'
            cand --dry-run 'Say what would be done, and do nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;keys;retire'= {
            cand --concurrency 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]'
            cand --per-issuer 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]'
            cand --rate 'At most so many a second'
            cand --retry-for 'How long to try again where a server gives no answer'
            cand --lock-timeout 'How long to wait for a session''s lock'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --ignore-malformed 'Retire the key although some records could not be read, and may be bound to it'
            cand --revoke-sessions 'End the sessions bound to the key first, with that key'
            cand -n 'Say what would be done, and do nothing'
            cand --dry-run 'Say what would be done, and do nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;keys;help'= {
            cand list 'List the keys: which signs, which is published, what depends on each'
            cand rotate 'Add a new signing key; the old ones stay for the sessions bound to them'
            cand retire 'Remove a key that no session and no pending login depends on'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'oauthctl;keys;help;list'= {
        }
        &'oauthctl;keys;help;rotate'= {
        }
        &'oauthctl;keys;help;retire'= {
        }
        &'oauthctl;keys;help;help'= {
        }
        &'oauthctl;jwks'= {
            cand -o 'Write to this file instead of stdout; `-` is stdout'
            cand --output 'Write to this file instead of stdout; `-` is stdout'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --force 'Replace the file if it exists'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;metadata'= {
            cand --client-id 'URL of the document [default: /oauth-client-metadata.json at the client URI]'
            cand --client-uri 'Home page of the app'
            cand --client-name 'Name of the app, as users see it'
            cand --redirect-uri 'The app''s callback: a URL, or a path at the client URI (repeatable)'
            cand --scope 'The most that the app may ask users for [default: atproto, which is who they are]'
            cand --jwks-uri 'URL of the public keys [default: /.well-known/jwks.json at the client URI]'
            cand --jwks 'Where servers find the public keys: at their URL, or in the document [default: uri]'
            cand --loopback 'Describe a development client, its app listening on this port of 127.0.0.1 [default: 3000]'
            cand --check 'Check this document instead, and list all that is wrong; `-` is stdin. With --client-id: published at that URL'
            cand -o 'Write to this file instead of stdout; `-` is stdout'
            cand --output 'Write to this file instead of stdout; `-` is stdout'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --public 'Describe a public client, whatever keys are configured'
            cand --force 'Replace the file if it exists'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand list 'List the sessions in the app''s store'
            cand show 'Show an account''s sessions (tokens and keys are never shown)'
            cand stats 'Count sessions by status, issuer, client key, authentication and age'
            cand refresh 'Keep sessions alive by exchanging their refresh tokens'
            cand revoke 'End sessions at the server, and remove their records'
            cand prune 'Remove sessions that have ended, and on request sign out users who have been away'
            cand upgrade 'Carry sessions begun as a public client over to the confidential client'
            cand recover 'Store tokens that an earlier run exchanged and could not store'
            cand export 'Write the sessions, tokens and keys included, for `sessions import`'
            cand import 'Bring exported sessions into this store, without logging anyone out'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'oauthctl;sessions;list'= {
            cand --key 'The session under this key of the store (repeatable)'
            cand --issuer 'Sessions with this authorization server'
            cand --kid 'Sessions bound to this client key'
            cand --auth 'Sessions with this client authentication'
            cand --status 'Sessions in this status (repeatable)'
            cand --not-refreshed-for 'Sessions last refreshed longer ago than this'
            cand --scope 'Sessions that were granted this scope'
            cand --limit 'At most so many sessions; those that need nothing do not count'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --wide 'Show whole kids, times instead of ages, and when access tokens expire; other formats always hold everything'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;show'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;stats'= {
            cand --key 'The session under this key of the store (repeatable)'
            cand --issuer 'Sessions with this authorization server'
            cand --kid 'Sessions bound to this client key'
            cand --auth 'Sessions with this client authentication'
            cand --status 'Sessions in this status (repeatable)'
            cand --not-refreshed-for 'Sessions last refreshed longer ago than this'
            cand --scope 'Sessions that were granted this scope'
            cand --limit 'At most so many sessions; those that need nothing do not count'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;refresh'= {
            cand --key 'The session under this key of the store (repeatable)'
            cand --issuer 'Sessions with this authorization server'
            cand --kid 'Sessions bound to this client key'
            cand --auth 'Sessions with this client authentication'
            cand --status 'Sessions in this status (repeatable)'
            cand --not-refreshed-for 'Sessions last refreshed longer ago than this'
            cand --scope 'Sessions that were granted this scope'
            cand --limit 'At most so many sessions; those that need nothing do not count'
            cand --concurrency 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]'
            cand --per-issuer 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]'
            cand --rate 'At most so many a second'
            cand --retry-for 'How long to try again where a server gives no answer'
            cand --lock-timeout 'How long to wait for a session''s lock'
            cand --metrics-file 'Write counts, duration and the time of the last success to this file (Prometheus text format)'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --due 'Sessions that are due (the default)'
            cand --expired 'Sessions whose access token has expired'
            cand --all 'All sessions'
            cand -n 'Say what would be refreshed, and do nothing'
            cand --dry-run 'Say what would be refreshed, and do nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;revoke'= {
            cand --key 'The session under this key of the store (repeatable)'
            cand --issuer 'Sessions with this authorization server'
            cand --kid 'Sessions bound to this client key'
            cand --auth 'Sessions with this client authentication'
            cand --status 'Sessions in this status (repeatable)'
            cand --not-refreshed-for 'Sessions last refreshed longer ago than this'
            cand --scope 'Sessions that were granted this scope'
            cand --limit 'At most so many sessions; those that need nothing do not count'
            cand --concurrency 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]'
            cand --per-issuer 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]'
            cand --rate 'At most so many a second'
            cand --retry-for 'How long to try again where a server gives no answer'
            cand --lock-timeout 'How long to wait for a session''s lock'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --all 'All sessions'
            cand --force 'Remove the record even where the session may live on at the server'
            cand -n 'Say what would be revoked, and do nothing'
            cand --dry-run 'Say what would be revoked, and do nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;prune'= {
            cand --key 'The session under this key of the store (repeatable)'
            cand --issuer 'Sessions with this authorization server'
            cand --kid 'Sessions bound to this client key'
            cand --auth 'Sessions with this client authentication'
            cand --status 'Sessions in this status (repeatable)'
            cand --not-refreshed-for 'Sessions last refreshed longer ago than this'
            cand --scope 'Sessions that were granted this scope'
            cand --limit 'At most so many sessions; those that need nothing do not count'
            cand --inactive 'Also sign out sessions whose user has been away for this long'
            cand --concurrency 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]'
            cand --per-issuer 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]'
            cand --rate 'At most so many a second'
            cand --retry-for 'How long to try again where a server gives no answer'
            cand --lock-timeout 'How long to wait for a session''s lock'
            cand --batch-size 'Pause after so many'
            cand --pause 'How long to pause after each batch'
            cand --metrics-file 'Write counts, duration and the time of the last success to this file (Prometheus text format)'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --malformed 'Also remove records that are not sessions'
            cand --offline 'Ask no server; of suspect sessions, remove only those beyond 180 days'
            cand -n 'Say what would be done, and do nothing'
            cand --dry-run 'Say what would be done, and do nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;upgrade'= {
            cand --key 'The session under this key of the store (repeatable)'
            cand --issuer 'Sessions with this authorization server'
            cand --kid 'Sessions bound to this client key'
            cand --auth 'Sessions with this client authentication'
            cand --status 'Sessions in this status (repeatable)'
            cand --not-refreshed-for 'Sessions last refreshed longer ago than this'
            cand --scope 'Sessions that were granted this scope'
            cand --limit 'At most so many sessions; those that need nothing do not count'
            cand --concurrency 'Sessions worked on at once [default: 16, or `concurrency` in oauthctl.toml]'
            cand --per-issuer 'Of these, so many at one authorization server [default: 4, or `per_issuer` in oauthctl.toml]'
            cand --rate 'At most so many a second'
            cand --retry-for 'How long to try again where a server gives no answer'
            cand --lock-timeout 'How long to wait for a session''s lock'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --skip-published-check 'Do not look at the published documents first: for networks that oauthctl cannot see from here'
            cand -n 'Say what would be done, and do nothing'
            cand --dry-run 'Say what would be done, and do nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;recover'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;export'= {
            cand --key 'The session under this key of the store (repeatable)'
            cand --issuer 'Sessions with this authorization server'
            cand --kid 'Sessions bound to this client key'
            cand --auth 'Sessions with this client authentication'
            cand --status 'Sessions in this status (repeatable)'
            cand --not-refreshed-for 'Sessions last refreshed longer ago than this'
            cand --scope 'Sessions that were granted this scope'
            cand --limit 'At most so many sessions; those that need nothing do not count'
            cand -o 'File to create (0600), or `-` for stdout'
            cand --output 'File to create (0600), or `-` for stdout'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --force 'Replace the file if it exists'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;import'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --replace 'Replace sessions that are provably older'
            cand -n 'Say what would be done, and do nothing'
            cand --dry-run 'Say what would be done, and do nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;sessions;help'= {
            cand list 'List the sessions in the app''s store'
            cand show 'Show an account''s sessions (tokens and keys are never shown)'
            cand stats 'Count sessions by status, issuer, client key, authentication and age'
            cand refresh 'Keep sessions alive by exchanging their refresh tokens'
            cand revoke 'End sessions at the server, and remove their records'
            cand prune 'Remove sessions that have ended, and on request sign out users who have been away'
            cand upgrade 'Carry sessions begun as a public client over to the confidential client'
            cand recover 'Store tokens that an earlier run exchanged and could not store'
            cand export 'Write the sessions, tokens and keys included, for `sessions import`'
            cand import 'Bring exported sessions into this store, without logging anyone out'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'oauthctl;sessions;help;list'= {
        }
        &'oauthctl;sessions;help;show'= {
        }
        &'oauthctl;sessions;help;stats'= {
        }
        &'oauthctl;sessions;help;refresh'= {
        }
        &'oauthctl;sessions;help;revoke'= {
        }
        &'oauthctl;sessions;help;prune'= {
        }
        &'oauthctl;sessions;help;upgrade'= {
        }
        &'oauthctl;sessions;help;recover'= {
        }
        &'oauthctl;sessions;help;export'= {
        }
        &'oauthctl;sessions;help;import'= {
        }
        &'oauthctl;sessions;help;help'= {
        }
        &'oauthctl;states'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand list 'List the logins that were begun and not completed'
            cand purge 'Remove logins that were begun and never completed'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'oauthctl;states;list'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;states;purge'= {
            cand --older-than 'Remove states older than this'
            cand --metrics-file 'Write counts, duration and the time of the last success to this file (Prometheus text format)'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -n 'Say what would be removed, and do nothing'
            cand --dry-run 'Say what would be removed, and do nothing'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;states;help'= {
            cand list 'List the logins that were begun and not completed'
            cand purge 'Remove logins that were begun and never completed'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'oauthctl;states;help;list'= {
        }
        &'oauthctl;states;help;purge'= {
        }
        &'oauthctl;states;help;help'= {
        }
        &'oauthctl;doctor'= {
            cand --as 'Also look at what this authorization server, or the one of this PDS, supports'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --offline 'Ask nobody but the store'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;completions'= {
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand --dynamic 'Print a short script that asks oauthctl at every Tab (bash, zsh, fish)'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;man'= {
            cand --output-dir 'Write the pages of all commands into this directory'
            cand --config 'Settings file [default: ./oauthctl.toml, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]'
            cand --profile 'Profile of the settings file to use (also: OAUTHCTL_PROFILE)'
            cand --store 'Where the app keeps its sessions: redis://HOST, unix:///SOCKET, https://HOST (Upstash), sqlite:PATH (also: OAUTHCTL_STORE)'
            cand --layout 'How the app lays its store out (also: OAUTHCTL_LAYOUT)'
            cand --keys 'Where the app keeps its private keys: a path, file:PATH, env:NAME or - (repeatable; also: OAUTHCTL_KEYS)'
            cand --format 'How to write results'
            cand --color 'When to use colour'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -q 'Print results, warnings and errors only'
            cand --quiet 'Print results, warnings and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'oauthctl;help'= {
            cand init 'Set oauthctl up for an app: settings, a first key and the documents to publish'
            cand gen-jwk 'Print one ES256 private key for the app to sign with'
            cand keys 'Look after the keys that the app signs with'
            cand jwks 'Print the public JWKS document'
            cand metadata 'Print the client metadata document, or check one'
            cand sessions 'Look at and look after the sessions of the app''s users'
            cand states 'Look at and clean up logins that were begun'
            cand doctor 'Find out whether the deployment is right: settings, keys, store, published documents'
            cand completions 'Print a completion script for a shell'
            cand man 'Print the manual page, or write all of them into a directory'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'oauthctl;help;init'= {
        }
        &'oauthctl;help;gen-jwk'= {
        }
        &'oauthctl;help;keys'= {
            cand list 'List the keys: which signs, which is published, what depends on each'
            cand rotate 'Add a new signing key; the old ones stay for the sessions bound to them'
            cand retire 'Remove a key that no session and no pending login depends on'
        }
        &'oauthctl;help;keys;list'= {
        }
        &'oauthctl;help;keys;rotate'= {
        }
        &'oauthctl;help;keys;retire'= {
        }
        &'oauthctl;help;jwks'= {
        }
        &'oauthctl;help;metadata'= {
        }
        &'oauthctl;help;sessions'= {
            cand list 'List the sessions in the app''s store'
            cand show 'Show an account''s sessions (tokens and keys are never shown)'
            cand stats 'Count sessions by status, issuer, client key, authentication and age'
            cand refresh 'Keep sessions alive by exchanging their refresh tokens'
            cand revoke 'End sessions at the server, and remove their records'
            cand prune 'Remove sessions that have ended, and on request sign out users who have been away'
            cand upgrade 'Carry sessions begun as a public client over to the confidential client'
            cand recover 'Store tokens that an earlier run exchanged and could not store'
            cand export 'Write the sessions, tokens and keys included, for `sessions import`'
            cand import 'Bring exported sessions into this store, without logging anyone out'
        }
        &'oauthctl;help;sessions;list'= {
        }
        &'oauthctl;help;sessions;show'= {
        }
        &'oauthctl;help;sessions;stats'= {
        }
        &'oauthctl;help;sessions;refresh'= {
        }
        &'oauthctl;help;sessions;revoke'= {
        }
        &'oauthctl;help;sessions;prune'= {
        }
        &'oauthctl;help;sessions;upgrade'= {
        }
        &'oauthctl;help;sessions;recover'= {
        }
        &'oauthctl;help;sessions;export'= {
        }
        &'oauthctl;help;sessions;import'= {
        }
        &'oauthctl;help;states'= {
            cand list 'List the logins that were begun and not completed'
            cand purge 'Remove logins that were begun and never completed'
        }
        &'oauthctl;help;states;list'= {
        }
        &'oauthctl;help;states;purge'= {
        }
        &'oauthctl;help;doctor'= {
        }
        &'oauthctl;help;completions'= {
        }
        &'oauthctl;help;man'= {
        }
        &'oauthctl;help;help'= {
        }
    ]
    $completions[$command]
}
