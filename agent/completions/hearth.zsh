#compdef hearth
# Completions of hearth for zsh; `hearth` itself knows what may follow.
_hearth() {
    local line
    local -a values
    for line in "${(@f)$(command hearth complete --at $((CURRENT - 1)) -- "${(@Q)words}" 2>/dev/null)}"; do
        case $line in
        '') ;;
        :files*)
            compset -P '--[a-z-]#='
            _files
            return
            ;;
        # In what _describe takes, a colon ends the value.
        *) values+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    _describe -V 'hearth' values
}
if [[ $funcstack[1] == _hearth ]]; then
    _hearth "$@"
else
    compdef _hearth hearth
fi
