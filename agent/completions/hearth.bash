# Completions of hearth for bash; `hearth` itself knows what may follow.
_hearth() {
    # bash cuts words at colons and equals signs too: what touches each other in the line is one word.
    local left=${COMP_LINE:0:COMP_POINT} words=() part gap i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${left%%[![:space:]]*}
        left=${left:${#gap}}
        part=${COMP_WORDS[i]}
        [[ $left == "$part"* ]] || part=$left
        left=${left:${#part}}
        if [[ $i -eq 0 || -n $gap ]]; then
            words+=("$part")
        else
            words[${#words[@]} - 1]+=$part
        fi
    done
    local last=$((${#words[@]} - 1))
    # Of a word that was cut, bash puts in what stands behind the last cut.
    local cut='' breaks=${COMP_WORDBREAKS//[^:=]/}
    [[ -z $breaks ]] || cut=${words[last]%"${words[last]##*[$breaks]}"}
    COMPREPLY=()
    local value what
    while IFS=$'\t' read -r value what; do
        case $value in
        '') ;;
        :files) compopt -o default ;;
        *) COMPREPLY+=("${value#"$cut"}") ;;
        esac
    done < <(command hearth complete --at "$last" -- "${words[@]}" 2>/dev/null)
}
complete -F _hearth hearth
