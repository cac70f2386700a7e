#compdef oauthctl
# Completion of oauthctl in zsh that asks oauthctl itself.
_oauthctl() {
    local -a candidates
    candidates=("${(@f)$(oauthctl __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    if [[ $candidates[1] == :files ]]; then
        compset -P '*='
        _files
    elif [[ -n $candidates[1] ]]; then
        _describe -V oauthctl candidates
    fi
}

if [[ $funcstack[1] == _oauthctl ]]; then
    _oauthctl "$@"
else
    compdef _oauthctl oauthctl
fi
