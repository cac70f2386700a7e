# Completion of oauthctl in bash that asks oauthctl itself.
_oauthctl_knows() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        if [[ $candidate == :files ]]; then
            compopt -o default 2>/dev/null
            return
        fi
        COMPREPLY+=("$candidate")
    done < <(oauthctl __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -F _oauthctl_knows oauthctl
