# Completions of hearth for fish; `hearth` itself knows what may follow.
function __hearth_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l at (count $words)
    for line in (command hearth complete --at $at -- $words "$current" 2>/dev/null)
        if string match -q ':files*' -- $line
            set -l option (string match -r -- '^--[a-z-]+=' $current)
            for path in (__fish_complete_path (string replace -r -- '^--[a-z-]+=' '' $current))
                echo -- "$option$path"
            end
        else
            echo -- $line
        end
    end
end
complete -c hearth -f -a '(__hearth_complete)'
