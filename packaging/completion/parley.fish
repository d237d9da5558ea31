# Fish completion for parley; parley itself computes the candidates.
# SPDX-License-Identifier: Apache-2.0
function __parley_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :folders
                __fish_complete_directories (commandline -ct)
            case :hosts
                __fish_print_hostnames
            case '*'
                echo $line
        end
    end
end
complete -c parley -f -a '(__parley_complete)'
