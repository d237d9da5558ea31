# Bash completion for parley; parley itself computes the candidates.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
_parley() {
    local cur words cword line
    _get_comp_words_by_ref -n := cur words cword || return
    while IFS= read -r line; do
        case $line in
            :files) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames ;;
            :folders) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames ;;
            :hosts) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -A hostname -- "$cur") ;;
            *) COMPREPLY+=("$(printf '%q' "$line")") ;;
        esac
    done < <("${words[0]}" complete "${words[@]:1:cword}" 2>/dev/null)
    __ltrim_colon_completions "$cur"
} && complete -F _parley parley
