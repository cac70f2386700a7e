# Completion of oauthctl in fish that asks oauthctl itself.
function __oauthctl_knows
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l word (commandline --current-token --cut-at-cursor)
    set -l candidates (oauthctl __complete fish $words[2..] "$word" 2>/dev/null)
    if test "$candidates[1]" = :files
        __fish_complete_path (string replace --regex '^--[^=]*=' '' -- "$word")
    else if set --query candidates[1]
        printf '%s\n' $candidates
    end
end
complete --command oauthctl --no-files --keep-order --arguments '(__oauthctl_knows)'
